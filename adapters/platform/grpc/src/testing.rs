//! For tests: what a running server has.

use prost::Message as _;
use prost_types::FileDescriptorProto;
use tonic::{Status, transport::Channel};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

/// Every method of a server's own services, as its reflection has them: `basket.v1.BasketService/GetBasket`.
pub async fn methods(channel: Channel) -> Result<Vec<String>, Status> {
    let mut client = ServerReflectionClient::new(channel);
    let mut methods = Vec::new();
    for service in services(&mut client).await? {
        let files = ask(&mut client, MessageRequest::FileContainingSymbol(service.clone())).await?;
        let MessageResponse::FileDescriptorResponse(files) = files else { return Err(unexpected(&files)) };
        for file in files.file_descriptor_proto {
            let file =
                FileDescriptorProto::decode(&*file).map_err(|error| Status::internal(error.to_string()))?;
            let found =
                file.service.iter().filter(|found| service == format!("{}.{}", file.package(), found.name()));
            methods.extend(
                found.flat_map(|found| &found.method).map(|method| format!("{service}/{}", method.name())),
            );
        }
    }
    Ok(methods)
}

/// Those of ours: health and reflection belong to every server.
async fn services(client: &mut ServerReflectionClient<Channel>) -> Result<Vec<String>, Status> {
    match ask(client, MessageRequest::ListServices(String::new())).await? {
        MessageResponse::ListServicesResponse(list) => {
            let names = list.service.into_iter().map(|service| service.name);
            Ok(names.filter(|name| !name.starts_with("grpc.")).collect())
        }
        other => Err(unexpected(&other)),
    }
}

async fn ask(
    client: &mut ServerReflectionClient<Channel>,
    question: MessageRequest,
) -> Result<MessageResponse, Status> {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut answers =
        client.server_reflection_info(futures_util::stream::iter([request])).await?.into_inner();
    let answer = answers.message().await?.and_then(|answer| answer.message_response);
    answer.ok_or_else(|| Status::internal("reflection gave no answer"))
}

fn unexpected(answer: &MessageResponse) -> Status {
    Status::internal(format!("reflection gave another answer: {answer:?}"))
}

#[cfg(test)]
mod tests {
    use tonic::transport::{Server, server::TcpIncoming};

    use super::*;

    #[tokio::test]
    async fn finds_the_methods_of_the_services_that_a_server_has() {
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .with_service_name("basket.v1.BasketService")
            .build_v1()
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let serving =
            Server::builder().add_service(reflection).serve_with_incoming(TcpIncoming::from(listener));
        let server = tokio::spawn(serving);
        let channel = Channel::from_shared(address).unwrap().connect().await.unwrap();
        let found = methods(channel).await.unwrap();
        assert_eq!(found.len(), 7, "{found:?}");
        assert!(found.contains(&"basket.v1.BasketService/GetBasket".to_owned()), "{found:?}");
        server.abort();
    }
}
