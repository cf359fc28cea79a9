use kernel_application::{
    CallContext, Caller,
    testing::{context, context_of},
};
use payment_application::testing::{ProviderScript, World, item};
use platform_grpc::Fault;
use proto::{
    google::r#type::Money,
    payment::v1::{
        CancelPaymentRequest, CreatePaymentRequest, GetPaymentRequest, GetPaymentsRequest,
        GetUserPaymentsRequest, Payment, PaymentMethod, PaymentStatus, ProcessPaymentRequest,
        RefundPaymentRequest, payment_service_server::PaymentService,
    },
};
use tonic::{Code, Request, Status};

use crate::{PaymentRoom, keyed::REPLAYED};

/// A request that the server has found to be the call `ctx`.
fn by<T>(ctx: &CallContext, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(ctx.clone());
    request
}

fn trusted<T>(message: T) -> Request<T> {
    by(&context(), message)
}

fn room(world: &World) -> PaymentRoom {
    PaymentRoom::new(world.use_cases())
}

fn creation(user: &str) -> CreatePaymentRequest {
    CreatePaymentRequest {
        user_id: user.to_owned(),
        method: PaymentMethod::Paypal.into(),
        description: Some("a gift".to_owned()),
        ..CreatePaymentRequest::default()
    }
}

async fn create(room: &PaymentRoom, user: &str) -> Payment {
    room.create_payment(trusted(creation(user))).await.unwrap().into_inner().payment.unwrap()
}

async fn process(room: &PaymentRoom, id: &str) -> Result<Payment, Status> {
    let request = ProcessPaymentRequest { id: id.to_owned(), payment_token: Some("tok_success".to_owned()) };
    room.process_payment(trusted(request)).await.map(|reply| reply.into_inner().payment.unwrap())
}

async fn refund(room: &PaymentRoom, id: &str, amount: Option<Money>) -> Result<Payment, Status> {
    let request = RefundPaymentRequest { id: id.to_owned(), amount, reason: None };
    room.refund_payment(trusted(request)).await.map(|reply| reply.into_inner().payment.unwrap())
}

#[expect(clippy::unnecessary_wraps, reason = "messages hold optional amounts")]
fn usd(units: i64, nanos: i32) -> Option<Money> {
    Some(Money { currency_code: "USD".to_owned(), units, nanos })
}

fn with_key<T>(message: T, key: &'static str) -> Request<T> {
    let mut request = trusted(message);
    request.metadata_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

fn code<T>(result: Result<T, Status>) -> (Code, String) {
    let status = result.err().unwrap();
    (status.code(), Fault::from(&status).code)
}

fn expect(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

#[tokio::test]
async fn a_payment_is_made_processed_and_refunded_in_parts() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 2)]);
    let room = room(&world);
    let made = create(&room, "ada").await;
    assert_eq!((made.status(), made.method()), (PaymentStatus::Pending, PaymentMethod::Paypal));
    assert_eq!((made.amount.clone(), made.refunded_amount.clone()), (usd(20, 0), usd(0, 0)));
    assert_eq!((made.items.len(), made.items[0].quantity), (1, 2));
    assert_eq!((made.processed_at, made.provider_id.clone()), (None, None));

    let paid = process(&room, &made.id).await.unwrap();
    assert_eq!(paid.status(), PaymentStatus::Completed);
    assert!(paid.processed_at.is_some() && paid.provider_id.is_some());
    let get = trusted(GetPaymentRequest { id: made.id.clone() });
    assert_eq!(room.get_payment(get).await.unwrap().into_inner().payment, Some(paid));

    let part = refund(&room, &made.id, usd(5, 500_000_000)).await.unwrap();
    assert_eq!(
        (part.status(), part.refunded_amount),
        (PaymentStatus::PartiallyRefunded, usd(5, 500_000_000))
    );
    let beyond = refund(&room, &made.id, usd(15, 0)).await;
    assert_eq!(code(beyond), expect(Code::FailedPrecondition, "refund_exceeds_amount"));
    let rest = refund(&room, &made.id, None).await.unwrap();
    assert_eq!((rest.status(), rest.refunded_amount), (PaymentStatus::Refunded, usd(20, 0)));
}

#[tokio::test]
async fn a_decline_is_an_answer() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 1)]);
    world.provider.script(ProviderScript::Decline("card_declined"));
    let room = room(&world);
    let made = create(&room, "ada").await;
    let failed = process(&room, &made.id).await.unwrap();
    assert_eq!((failed.status(), failed.failure_code()), (PaymentStatus::Failed, "card_declined"));
}

#[tokio::test]
async fn a_key_brings_the_first_answer_again() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 1)]);
    let room = room(&world);
    let first = room.create_payment(with_key(creation("ada"), "k-1")).await.unwrap();
    assert!(first.metadata().get(REPLAYED).is_none());
    let again = room.create_payment(with_key(creation("ada"), "k-1")).await.unwrap();
    assert_eq!(again.metadata().get(REPLAYED).unwrap(), "true");
    assert_eq!(again.into_inner(), first.into_inner());

    let other = room.create_payment(with_key(creation("bob"), "k-1")).await;
    assert_eq!(code(other), expect(Code::InvalidArgument, "idempotency_key_reused"));
    let illegal = room.create_payment(with_key(creation("ada"), "k 1")).await;
    assert_eq!(code(illegal).0, Code::InvalidArgument);
}

#[tokio::test]
async fn a_rejection_is_kept_under_its_key() {
    let world = World::default();
    let room = room(&world);
    let first = room.create_payment(with_key(creation("ada"), "k-2")).await.unwrap_err();
    assert_eq!((first.code(), first.metadata().get(REPLAYED)), (Code::FailedPrecondition, None));
    world.fill_basket("ada", &[item(1, 1)]);
    let again = room.create_payment(with_key(creation("ada"), "k-2")).await.unwrap_err();
    assert_eq!(again.metadata().get(REPLAYED).unwrap(), "true");
    assert_eq!((again.message(), Fault::from(&again).code), (first.message(), "basket_empty".to_owned()));
}

#[tokio::test]
async fn failures_have_the_codes_of_http() {
    let world = World::default();
    let room = room(&world);
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    for id in [unknown, "7"] {
        assert_eq!(code(process(&room, id).await), expect(Code::NotFound, "payment_not_found"));
        let get = room.get_payment(trusted(GetPaymentRequest { id: id.to_owned() })).await;
        assert_eq!(code(get), expect(Code::NotFound, "payment_not_found"));
    }
    let wrong = CreatePaymentRequest { user_id: "a b".to_owned(), ..CreatePaymentRequest::default() };
    let status = room.create_payment(trusted(wrong)).await.unwrap_err();
    let fields: Vec<_> = Fault::from(&status).fields.into_iter().map(|fault| fault.field).collect();
    assert_eq!(
        (status.code(), fields),
        (Code::InvalidArgument, vec!["user_id".to_owned(), "method".to_owned()])
    );

    let paid = world.completed("bob").await;
    let cancel = room.cancel_payment(trusted(CancelPaymentRequest { id: paid.id.clone() })).await;
    assert_eq!(code(cancel), expect(Code::FailedPrecondition, "payment_not_pending"));
    let inexact = refund(&room, &paid.id, usd(1, 1)).await;
    assert_eq!(code(inexact).0, Code::InvalidArgument);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let world = World::default();
    let room = room(&world);
    let (ada, bob) = (world.pending("ada").await, world.completed("bob").await);
    let ids = |payments: Vec<Payment>| payments.into_iter().map(|payment| payment.id).collect::<Vec<_>>();
    let list = async |request| room.get_payments(trusted(request)).await;

    let first = list(GetPaymentsRequest { limit: Some(1), ..Default::default() }).await.unwrap().into_inner();
    assert_eq!(ids(first.payments), [bob.id.as_str()]);
    let next = GetPaymentsRequest { limit: Some(1), cursor: first.next_cursor, ..Default::default() };
    let next = list(next).await.unwrap().into_inner();
    assert_eq!((ids(next.payments), next.next_cursor), (vec![ada.id.clone()], None));

    let completed = PaymentStatus::Completed.into();
    let found = list(GetPaymentsRequest { status: completed, ..Default::default() }).await.unwrap();
    assert_eq!(ids(found.into_inner().payments), [bob.id.as_str()]);
    let users = GetUserPaymentsRequest { user_id: "ada".to_owned(), ..Default::default() };
    let found = room.get_user_payments(trusted(users)).await.unwrap();
    assert_eq!(ids(found.into_inner().payments), [ada.id.as_str()]);

    for wrong in [
        GetPaymentsRequest { limit: Some(0), ..Default::default() },
        GetPaymentsRequest { status: 99, ..Default::default() },
        GetPaymentsRequest { cursor: Some("?".to_owned()), ..Default::default() },
        GetPaymentsRequest { user_id: Some("a b".to_owned()), ..Default::default() },
    ] {
        assert_eq!(code(list(wrong.clone()).await).0, Code::InvalidArgument, "{wrong:?}");
    }
    let nobody = room.get_user_payments(trusted(GetUserPaymentsRequest::default())).await;
    assert_eq!(code(nobody).0, Code::InvalidArgument);
}

/// What each method answers about Ada's payment, which each names in its own way.
async fn refusals(room: &PaymentRoom, ctx: &CallContext, id: &str) -> [(Code, String); 6] {
    let (id, user_id) = (|| id.to_owned(), || "ada".to_owned());
    let process = ProcessPaymentRequest { id: id(), payment_token: None };
    let refund = RefundPaymentRequest { id: id(), amount: usd(1, 0), reason: None };
    [
        code(room.get_payment(by(ctx, GetPaymentRequest { id: id() })).await),
        code(room.process_payment(by(ctx, process)).await),
        code(room.cancel_payment(by(ctx, CancelPaymentRequest { id: id() })).await),
        code(room.refund_payment(by(ctx, refund)).await),
        code(room.create_payment(by(ctx, creation("ada"))).await),
        code(
            room.get_user_payments(by(
                ctx,
                GetUserPaymentsRequest { user_id: user_id(), ..Default::default() },
            ))
            .await,
        ),
    ]
}

#[tokio::test]
async fn a_payment_is_its_users() {
    let world = World::default();
    let room = room(&world);
    let id = world.pending("ada").await.id;
    let get = async || {
        let found = room.get_payment(by(&context_of("ada"), GetPaymentRequest { id: id.clone() })).await;
        found.unwrap().into_inner().payment.unwrap()
    };
    let before = get().await;
    let nobody = context().by(Caller::Anonymous);
    for refusal in refusals(&room, &nobody, &id).await {
        assert_eq!(refusal, expect(Code::Unauthenticated, "unauthenticated"));
    }
    let [by_id @ .., create, list] = refusals(&room, &context_of("bob"), &id).await;
    assert_eq!(by_id, [(); 4].map(|()| expect(Code::NotFound, "payment_not_found")));
    assert_eq!([create, list], [(); 2].map(|()| expect(Code::PermissionDenied, "forbidden")));
    assert_eq!(get().await, before);
    let all = |ctx: CallContext| room.get_payments(by(&ctx, GetPaymentsRequest::default()));
    assert!(all(context_of("bob")).await.unwrap().into_inner().payments.is_empty());
    assert_eq!(all(context_of("ada")).await.unwrap().into_inner().payments, [before]);
    assert_eq!(code(all(nobody).await).0, Code::Unauthenticated);
}
