//! The methods a server has, so that metrics get no label a client made up.

use std::{collections::HashMap, sync::Arc};

use prost::{DecodeError, Message as _};
use prost_types::FileDescriptorSet;

/// `product.v1.ProductService/GetProduct` by the path of its requests, which has a slash before it.
#[derive(Debug, Default)]
pub(super) struct Methods(HashMap<String, Arc<str>>);

impl Methods {
    /// The methods of `services`, as the descriptors have them.
    pub(super) fn of(services: &[&str]) -> Result<Self, DecodeError> {
        let set = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET)?;
        let mut methods = HashMap::new();
        for file in &set.file {
            for service in &file.service {
                let full = format!("{}.{}", file.package(), service.name());
                if !services.contains(&full.as_str()) {
                    continue;
                }
                for method in &service.method {
                    let method = format!("{full}/{}", method.name());
                    methods.insert(format!("/{method}"), method.into());
                }
            }
        }
        Ok(Self(methods))
    }

    /// The method behind a path.
    pub(super) fn find(&self, path: &str) -> Option<Arc<str>> {
        self.0.get(path).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_methods_of_its_services_only() {
        let methods = Methods::of(&["product.v1.ProductService"]).unwrap();
        let method = methods.find("/product.v1.ProductService/ReserveStock").unwrap();
        assert_eq!(&*method, "product.v1.ProductService/ReserveStock");
        assert_eq!(methods.find("/product.v1.ProductService/Nope"), None);
        assert_eq!(methods.find("/basket.v1.BasketService/GetBasket"), None);
    }
}
