//! Scripts that the server keeps, asked for by their digest.

use std::{borrow::Cow, sync::OnceLock};

use fred::{
    error::Error,
    interfaces::{ClientLike, LuaInterface},
    types::Value,
};

/// A Lua script. Make each once, in a `static`: it learns its digest from the server when it first runs.
pub struct Script {
    source: Cow<'static, str>,
    digest: OnceLock<String>,
}

impl Script {
    /// A script that runs by itself.
    pub const fn new(source: &'static str) -> Self {
        Self { source: Cow::Borrowed(source), digest: OnceLock::new() }
    }

    /// A script for `Redis::write`: `body` defines `change(keys, args)`, which answers with a verdict.
    ///
    /// It decides first and writes then, because nothing takes back what a script has written: either it answers
    /// `conflict` and has written nothing, or another word, and the delivery is settled with what it wrote.
    pub fn change(body: &'static str) -> Self {
        let source = [include_str!("lua/common.lua"), body, include_str!("lua/settle.lua")].concat();
        Self { source: Cow::Owned(source), digest: OnceLock::new() }
    }

    /// Runs it on the node that has `keys`. A server that does not know it, be it new, promoted or flushed, is given the
    /// source.
    pub(crate) async fn run<C>(&self, client: &C, keys: Vec<String>, args: Vec<Value>) -> Result<Value, Error>
    where
        C: ClientLike + LuaInterface,
    {
        let digest = match self.digest.get() {
            Some(digest) => digest.clone(),
            None => self.load(client).await?,
        };
        match client.evalsha(digest, keys.clone(), args.clone()).await {
            Err(error) if error.details().starts_with("NOSCRIPT") => {
                client.eval(self.source.to_string(), keys, args).await
            }
            result => result,
        }
    }

    async fn load<C: LuaInterface>(&self, client: &C) -> Result<String, Error> {
        let digest: String = client.script_load(self.source.to_string()).await?;
        Ok(self.digest.get_or_init(|| digest).clone())
    }
}

/// The script of a file in `lua`, behind what all of them share.
macro_rules! script {
    ($($file:literal),+) => {
        $crate::Script::new(concat!(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lua/common.lua")),
            $(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lua/", $file, ".lua")),)+
        ))
    };
}

pub(crate) use script;
