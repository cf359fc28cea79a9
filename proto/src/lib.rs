//! Types, clients and servers generated from the `.proto` files beside this crate.
//!
//! To change the wire format, edit the `.proto` file: `build.rs` does the rest. A new package needs a
//! line in `build.rs` and a module here. Modules follow package names, since the generated code
//! refers to other packages by that path.

/// All messages and services, encoded as a `google.protobuf.FileDescriptorSet`, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The catalogue, its stock and the reservations on it.
pub mod product {
    /// Package `product.v1`.
    #[expect(clippy::pedantic, clippy::allow_attributes, reason = "generated code")]
    pub mod v1 {
        tonic::include_proto!("product.v1");
    }
}

/// One basket per user.
pub mod basket {
    /// Package `basket.v1`.
    #[expect(clippy::pedantic, clippy::allow_attributes, reason = "generated code")]
    pub mod v1 {
        tonic::include_proto!("basket.v1");
    }
}

/// Payments for baskets.
pub mod payment {
    /// Package `payment.v1`.
    #[expect(clippy::pedantic, clippy::allow_attributes, reason = "generated code")]
    pub mod v1 {
        tonic::include_proto!("payment.v1");
    }
}

/// What is shared with the rest of the world.
pub mod google {
    /// Package `google.type`, vendored (Apache-2.0).
    pub mod r#type {
        tonic::include_proto!("google.r#type");
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    #[test]
    fn descriptors_hold_every_service_and_their_imports() {
        let set = prost_types::FileDescriptorSet::decode(super::FILE_DESCRIPTOR_SET).unwrap();
        let services: Vec<_> = set
            .file
            .iter()
            .flat_map(|file| file.service.iter().map(|it| format!("{}.{}", file.package(), it.name())))
            .collect();
        assert_eq!(
            services,
            ["basket.v1.BasketService", "payment.v1.PaymentService", "product.v1.ProductService"]
        );
        assert!(set.file.iter().any(|file| file.name() == "google/type/money.proto"));
    }

    #[test]
    fn no_field_is_a_float() {
        use prost_types::field_descriptor_proto::Type;

        let set = prost_types::FileDescriptorSet::decode(super::FILE_DESCRIPTOR_SET).unwrap();
        let ours = set.file.iter().filter(|file| !file.package().starts_with("google.protobuf"));
        let messages: Vec<_> = ours.flat_map(|file| &file.message_type).collect();
        assert!(messages.len() > 20);
        for message in messages {
            for field in &message.field {
                let floating = matches!(field.r#type(), Type::Float | Type::Double);
                assert!(!floating, "{}.{}", message.name(), field.name());
            }
        }
    }
}
