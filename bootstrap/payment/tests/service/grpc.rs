//! Calls over gRPC.

use platform_grpc::Fault;
use platform_testkit::inventory::{Answer, Operation, Probe};
use proto::{
    google::r#type::Money,
    payment::v1::{
        CancelPaymentRequest, CreatePaymentRequest, GetPaymentRequest, GetPaymentsRequest,
        GetUserPaymentsRequest, PaymentMethod, ProcessPaymentRequest, RefundPaymentRequest,
        payment_service_client::PaymentServiceClient,
    },
};
use tonic::{Code, Response, Status, metadata::MetadataMap, transport::Channel};
use uuid::Uuid;

use crate::support::Service;

/// A call without a caller.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    message: Message,
    key: String,
}

#[derive(Clone, Debug)]
enum Message {
    Create(CreatePaymentRequest),
    Get(GetPaymentRequest),
    Process(ProcessPaymentRequest),
    Cancel(CancelPaymentRequest),
    Refund(RefundPaymentRequest),
    List(GetPaymentsRequest),
    OfUser(GetUserPaymentsRequest),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    pub(crate) replayed: bool,
    pub(crate) text: String,
}

impl Reply {
    fn of<T: std::fmt::Debug>(result: Result<Response<T>, Status>) -> Self {
        let replayed = |metadata: &MetadataMap| metadata.contains_key("idempotency-replayed");
        match result {
            Ok(response) => Self {
                answer: Answer::of_grpc(Code::Ok.into(), ""),
                replayed: replayed(response.metadata()),
                text: format!("{:?}", response.into_inner()),
            },
            Err(status) => Self {
                answer: Answer::of_grpc(status.code().into(), &Fault::from(&status).code),
                replayed: replayed(status.metadata()),
                text: status.message().to_owned(),
            },
        }
    }
}

/// Asks each method over gRPC.
pub(crate) struct OverGrpc<'a> {
    service: &'a Service,
    channel: Channel,
}

impl<'a> OverGrpc<'a> {
    pub(crate) async fn new(service: &'a Service) -> Self {
        let channel = Channel::from_shared(service.url("grpc")).unwrap().connect().await.unwrap();
        Self { service, channel }
    }

    /// The methods that the running service says it has.
    pub(crate) async fn operations(&self) -> Vec<Operation> {
        let methods = platform_grpc::testing::methods(self.channel.clone()).await.unwrap();
        methods.into_iter().map(|name| Operation { name, public: None }).collect()
    }

    pub(crate) async fn call(&self, call: &Call, authorization: Option<&str>) -> Reply {
        let mut client = PaymentServiceClient::new(self.channel.clone());
        let Call { message, key } = call.clone();
        match message {
            Message::Create(message) => {
                Reply::of(client.create_payment(request(message, &key, authorization)).await)
            }
            Message::Get(message) => {
                Reply::of(client.get_payment(request(message, &key, authorization)).await)
            }
            Message::Process(message) => {
                Reply::of(client.process_payment(request(message, &key, authorization)).await)
            }
            Message::Cancel(message) => {
                Reply::of(client.cancel_payment(request(message, &key, authorization)).await)
            }
            Message::Refund(message) => {
                Reply::of(client.refund_payment(request(message, &key, authorization)).await)
            }
            Message::List(message) => {
                Reply::of(client.get_payments(request(message, &key, authorization)).await)
            }
            Message::OfUser(message) => {
                Reply::of(client.get_user_payments(request(message, &key, authorization)).await)
            }
        }
    }

    async fn message(&self, method: &str) -> Message {
        let (ada, service) = (|| "ada".to_owned(), self.service);
        match method {
            "payment.v1.PaymentService/CreatePayment" => {
                let method = PaymentMethod::Paypal.into();
                Message::Create(CreatePaymentRequest { user_id: ada(), method, ..Default::default() })
            }
            "payment.v1.PaymentService/GetPayment" => {
                Message::Get(GetPaymentRequest { id: service.pending("ada").await })
            }
            "payment.v1.PaymentService/ProcessPayment" => {
                let id = service.pending("ada").await;
                Message::Process(ProcessPaymentRequest { id, payment_token: None })
            }
            "payment.v1.PaymentService/CancelPayment" => {
                Message::Cancel(CancelPaymentRequest { id: service.pending("ada").await })
            }
            "payment.v1.PaymentService/RefundPayment" => {
                let amount = Some(Money { currency_code: "USD".to_owned(), units: 1, nanos: 0 });
                let id = service.paid("ada").await;
                Message::Refund(RefundPaymentRequest { id, amount, reason: None })
            }
            "payment.v1.PaymentService/GetPayments" => {
                Message::List(GetPaymentsRequest { user_id: Some(ada()), ..Default::default() })
            }
            "payment.v1.PaymentService/GetUserPayments" => {
                Message::OfUser(GetUserPaymentsRequest { user_id: ada(), ..Default::default() })
            }
            other => panic!("say how a call of {other} looks"),
        }
    }
}

impl Probe for OverGrpc<'_> {
    type Request = Call;

    /// Each call has a key of its own.
    async fn request(&self, name: &str) -> Call {
        Call { message: self.message(name).await, key: Uuid::now_v7().to_string() }
    }

    async fn send(&self, call: &Call, authorization: Option<&str>) -> Answer {
        self.call(call, authorization).await.answer
    }

    async fn state(&self) -> String {
        self.service.everything().await
    }
}

fn request<T>(message: T, key: &str, authorization: Option<&str>) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("idempotency-key", key.parse().unwrap());
    if let Some(authorization) = authorization {
        request.metadata_mut().insert("authorization", authorization.parse().unwrap());
    }
    request
}
