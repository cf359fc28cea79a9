//! `docs/asyncapi.yaml`, as far as tests ask it.

use std::{collections::BTreeSet, fs};

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/asyncapi.yaml");
/// Where the validator believes the document to be; it never goes there.
const HOME: &str = "https://shop.invalid/asyncapi.json";
const SCHEMAS: &str = "#/components/schemas/";

/// The document, with schemas that have no room for fields they do not name.
///
/// Consumers ignore fields they do not know, so the published schemas are open. What we send ourselves is to be
/// described completely, so here they are closed.
pub(crate) struct Document(Value);

impl Document {
    pub(crate) fn read() -> Self {
        let text = fs::read_to_string(PATH).unwrap();
        let mut document: Value = yaml_serde::from_str(&text).unwrap();
        let bases = bases(&document);
        let schemas = document["components"]["schemas"].as_object_mut().unwrap();
        for (name, schema) in schemas {
            close(schema, bases.contains(name));
        }
        Self(document)
    }

    /// Each topic with its partitions.
    pub(crate) fn topics(&self) -> BTreeSet<(String, u32)> {
        let topic = |channel: &Value| {
            let partitions = channel["x-partitions"].as_u64().and_then(|count| count.try_into().ok());
            (text(&channel["address"]), partitions.unwrap())
        };
        self.channels().map(topic).collect()
    }

    /// The topics that a dead letter may name as its origin.
    pub(crate) fn topics_with_dead_letters(&self) -> BTreeSet<String> {
        let origin = &self.0["components"]["schemas"]["DeadLetterHeaders"]["properties"]["dlq-topic"];
        origin["enum"].as_array().unwrap().iter().map(text).collect()
    }

    /// Topic and type of each message; dead letters have no type of their own.
    pub(crate) fn messages(&self) -> BTreeSet<(String, String)> {
        let typed = |channel: &'_ Value| {
            let messages = channel["messages"].as_object().unwrap().values();
            let kinds = messages.map(|message| text(&self.resolve(message)["name"]));
            kinds.map(|kind| (text(&channel["address"]), kind)).collect::<Vec<_>>()
        };
        let all = self.channels().flat_map(typed);
        all.filter(|(_, kind)| kind != "dead letter").collect()
    }

    /// Type and payload of each example.
    pub(crate) fn examples(&self) -> Vec<(String, Value)> {
        let messages = self.0["components"]["messages"].as_object().unwrap().values();
        let examples = messages.flat_map(|message| {
            let examples = message["examples"].as_array().into_iter().flatten();
            examples.map(|example| (text(&message["name"]), example["payload"].clone()))
        });
        examples.collect()
    }

    /// Whether `event` is what the document says of this type.
    pub(crate) fn check(&self, kind: &str, event: &Value) -> Result<(), String> {
        self.validate(&self.message(kind)["payload"], event)
    }

    /// The same for the message's headers.
    pub(crate) fn check_headers(&self, kind: &str, headers: &Value) -> Result<(), String> {
        self.validate(&self.message(kind)["headers"], headers)
    }

    fn validate(&self, schema: &Value, instance: &Value) -> Result<(), String> {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(HOME, self.0.clone()).unwrap();
        let schema = format!("{HOME}{}", text(&schema["$ref"]));
        let schema = compiler.compile(&schema, &mut schemas).unwrap();
        schemas.validate(instance, schema).map_err(|error| error.to_string())
    }

    fn message(&self, kind: &str) -> &Value {
        let mut messages = self.0["components"]["messages"].as_object().unwrap().values();
        messages.find(|message| message["name"] == json!(kind)).unwrap()
    }

    fn channels(&self) -> impl Iterator<Item = &Value> {
        self.0["channels"].as_object().unwrap().values()
    }

    fn resolve(&self, reference: &Value) -> &Value {
        self.0.pointer(text(&reference["$ref"]).trim_start_matches('#')).unwrap()
    }
}

/// The schemas that others build on: closed, they would refuse what those add.
fn bases(document: &Value) -> BTreeSet<String> {
    let schemas = document["components"]["schemas"].as_object().unwrap().values();
    let parts = schemas.flat_map(|schema| schema["allOf"].as_array().into_iter().flatten());
    let names = parts.filter_map(|part| part["$ref"].as_str()?.strip_prefix(SCHEMAS).map(str::to_owned));
    names.collect()
}

fn close(schema: &mut Value, part: bool) {
    let Some(keywords) = schema.as_object_mut() else { return };
    for (keyword, inner) in keywords.iter_mut() {
        match (keyword.as_str(), inner) {
            ("allOf", Value::Array(parts)) => parts.iter_mut().for_each(|part| close(part, true)),
            ("properties", Value::Object(fields)) => {
                fields.values_mut().for_each(|field| close(field, false));
            }
            ("items", items) => close(items, false),
            _ => {}
        }
    }
    if !part && (keywords.contains_key("properties") || keywords.contains_key("allOf")) {
        keywords.insert("unevaluatedProperties".to_owned(), json!(false));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
