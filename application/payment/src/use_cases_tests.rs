//! Who may do what, on fakes: it is the same over every protocol.

use std::sync::Mutex;

use kernel_application::{
    CallContext, Caller, Denied, Observation, Principal, Query, Role, UseCaseError,
    testing::{context, context_of},
};
use kernel_domain::PaymentId;

use super::*;
use crate::{
    PaymentRepository, PaymentStatus, PaymentView,
    testing::{ProviderScript, World, creation, item, usd, user},
};

fn nobody() -> CallContext {
    context().by(Caller::Anonymous)
}

fn with_role(name: &str, role: Role) -> CallContext {
    context().by(Caller::known(Principal::new(user(name), [role])))
}

/// Runs a command as inbound adapters do; whether the answer is an old one comes with it.
async fn run<C>(
    handler: &Arc<dyn CommandHandler<Keyed<C>>>,
    ctx: &CallContext,
    key: Option<&str>,
    command: C,
) -> Result<(PaymentView, bool), PaymentError>
where
    C: IdempotentCommand<Output = PaymentView, Error = PaymentError>,
{
    let answered = handler.handle(ctx, Keyed::new(ctx, key.map(str::to_owned), command)).await?;
    Ok((answered.result?, answered.replayed))
}

fn refund(id: &str, minor: i64) -> RefundPayment {
    RefundPayment { id: id.to_owned(), amount: Some(usd(minor)), reason: None }
}

/// The codes that everything gets which names the payment by its id.
async fn codes_by_id(world: &World, ctx: &CallContext, key: Option<&str>, id: &str) -> [&'static str; 4] {
    let (cases, id) = (world.use_cases(), id.to_owned());
    let process = ProcessPayment { id: id.clone(), payment_token: None };
    let errors = [
        cases.get_payment.handle(ctx, GetPayment { id: id.clone() }).await.err(),
        run(&cases.process_payment, ctx, key, process).await.err(),
        run(&cases.cancel_payment, ctx, key, CancelPayment { id: id.clone() }).await.err(),
        run(&cases.refund_payment, ctx, key, refund(&id, 100)).await.err(),
    ];
    errors.map(|error| error.map_or("ok", |error| error.code()))
}

async fn listed(
    world: &World,
    ctx: &CallContext,
    user_id: Option<&str>,
) -> Result<Vec<String>, PaymentError> {
    let query = ListPayments { user_id: user_id.map(str::to_owned), ..ListPayments::default() };
    let page = world.use_cases().list_payments.handle(ctx, query).await?;
    Ok(page.items.into_iter().map(|view| view.user_id).collect())
}

fn is_forbidden<T>(result: &Result<T, PaymentError>) -> bool {
    matches!(result, Err(PaymentError::Denied(Denied::Forbidden)))
}

#[tokio::test]
async fn somebody_elses_payment_is_not_there_and_stays_as_it_is() {
    let world = World::default();
    let pending = world.pending("ada").await.id;
    let paid = world.completed("ada").await.id;
    let stored = async |id: &str| {
        world.payments.find(PaymentId::parse(id).unwrap(), None).await.unwrap().unwrap().snapshot().clone()
    };
    for id in [pending, paid] {
        let before = stored(&id).await;
        for stranger in [context_of("bob"), with_role("payment", Role::Service)] {
            assert_eq!(codes_by_id(&world, &stranger, None, &id).await, ["payment_not_found"; 4]);
        }
        assert_eq!(stored(&id).await, before);
    }
}

#[tokio::test]
async fn without_an_identity_nothing_is_told() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    for id in [id.as_str(), "01890a5d-ac96-774b-bcce-b302099a8057", "?"] {
        assert_eq!(codes_by_id(&world, &nobody(), Some("k"), id).await, ["unauthenticated"; 4]);
    }
    let cases = world.use_cases();
    let codes = [
        run(&cases.create_payment, &nobody(), None, creation("ada")).await.unwrap_err().code(),
        listed(&world, &nobody(), None).await.unwrap_err().code(),
        listed(&world, &nobody(), Some("ada")).await.unwrap_err().code(),
        cases.get_stats.handle(&nobody(), GetStats).await.unwrap_err().code(),
    ];
    assert_eq!(codes, ["unauthenticated"; 4]);
}

#[tokio::test]
async fn users_do_what_is_theirs() {
    let world = World::default();
    let (cases, ada) = (world.use_cases(), context_of("ada"));
    world.fill_basket("ada", &[item(1, 1)]);
    let id = run(&cases.create_payment, &ada, None, creation("ada")).await.unwrap().0.id;
    let process = ProcessPayment { id: id.clone(), payment_token: None };
    let (paid, _) = run(&cases.process_payment, &ada, None, process).await.unwrap();
    assert_eq!(paid.status, PaymentStatus::Completed);
    let (back, _) = run(&cases.refund_payment, &ada, None, refund(&id, 400)).await.unwrap();
    assert_eq!(cases.get_payment.handle(&ada, GetPayment { id }).await.unwrap(), back);
    let id = world.pending("ada").await.id;
    let (cancelled, _) = run(&cases.cancel_payment, &ada, None, CancelPayment { id }).await.unwrap();
    assert_eq!(cancelled.status, PaymentStatus::Cancelled);
}

#[tokio::test]
async fn nobody_pays_for_another() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 1)]);
    let create = world.use_cases().create_payment;
    assert!(is_forbidden(&run(&create, &context_of("bob"), None, creation("ada")).await));
    assert!(listed(&world, &context(), None).await.unwrap().is_empty());
    assert!(run(&create, &with_role("root", Role::Admin), None, creation("ada")).await.is_ok());
}

#[tokio::test]
async fn lists_hold_the_callers_own() {
    let world = World::default();
    world.pending("ada").await;
    world.pending("bob").await;
    for filter in [None, Some("bob")] {
        assert_eq!(listed(&world, &context_of("bob"), filter).await.unwrap(), ["bob"]);
    }
    assert!(is_forbidden(&listed(&world, &context_of("bob"), Some("ada")).await));
    let admin = with_role("root", Role::Admin);
    assert_eq!(listed(&world, &admin, None).await.unwrap(), ["bob", "ada"]);
    assert_eq!(listed(&world, &admin, Some("ada")).await.unwrap(), ["ada"]);
    assert!(listed(&world, &with_role("payment", Role::Service), None).await.unwrap().is_empty());
}

#[tokio::test]
async fn figures_are_for_administrators() {
    let world = World::default();
    let stats = world.use_cases().get_stats;
    assert!(is_forbidden(&stats.handle(&context_of("ada"), GetStats).await));
    assert!(stats.handle(&with_role("root", Role::Admin), GetStats).await.is_ok());
}

#[tokio::test]
async fn recovery_is_the_systems_own() {
    let world = World::default();
    let id = PaymentId::parse(&world.pending("ada").await.id).unwrap();
    let recover = world.use_cases().recover_payment;
    for ctx in [context_of("ada"), with_role("root", Role::Admin)] {
        assert!(is_forbidden(&recover.handle(&ctx, RecoverPayment { id }).await));
    }
    recover.handle(&context(), RecoverPayment { id }).await.unwrap();
}

#[tokio::test]
async fn a_callback_is_believed_from_the_system_alone() {
    let world = World::default();
    world.provider.script(ProviderScript::LoseAnswer);
    let payment_id = world.completed("ada").await.id;
    let handle = world.use_cases().handle_callback;
    let callback = HandleCallback { event_id: "evt_1".into(), payment_id: payment_id.clone() };
    let denied = handle.handle(&nobody(), callback.clone()).await.unwrap_err();
    assert_eq!(denied.code(), "unauthenticated");
    for ctx in [context_of("ada"), with_role("payment", Role::Service), with_role("root", Role::Admin)] {
        assert!(is_forbidden(&handle.handle(&ctx, callback.clone()).await));
    }
    let status = async || {
        let query = GetPayment { id: payment_id.clone() };
        world.use_cases().get_payment.handle(&context(), query).await.unwrap().status
    };
    assert_eq!(status().await, PaymentStatus::Processing);
    handle.handle(&context(), callback).await.unwrap();
    assert_eq!(status().await, PaymentStatus::Completed);
}

#[tokio::test]
async fn the_same_key_of_two_users_is_two_keys() {
    let world = World::default();
    let create = world.use_cases().create_payment;
    let mut made = Vec::new();
    for replayed in [false, true] {
        for name in ["ada", "bob"] {
            world.fill_basket(name, &[item(1, 1)]);
            let (view, old) = run(&create, &context_of(name), Some("k"), creation(name)).await.unwrap();
            assert_eq!((view.user_id.as_str(), old), (name, replayed));
            made.push(view.id);
        }
    }
    assert_eq!(made[..2], made[2..]);
    assert_ne!(made[0], made[1]);
}

#[tokio::test]
async fn another_users_key_opens_nothing() {
    let world = World::default();
    let (cases, ada) = (world.use_cases(), context_of("ada"));
    let id = world.completed("ada").await.id;
    let (first, _) = run(&cases.refund_payment, &ada, Some("k"), refund(&id, 100)).await.unwrap();
    assert_eq!(codes_by_id(&world, &context_of("bob"), Some("k"), &id).await, ["payment_not_found"; 4]);
    let (again, replayed) = run(&cases.refund_payment, &ada, Some("k"), refund(&id, 100)).await.unwrap();
    assert_eq!((again, replayed), (first, true));
}

#[tokio::test]
async fn an_answer_that_is_kept_is_guarded_as_well() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 1)]);
    let create = world.use_cases().create_payment;
    run(&create, &context(), Some("k"), creation("ada")).await.unwrap();
    // Nobody has the same keys as the system itself, and must not get its answers.
    let error = run(&create, &nobody(), Some("k"), creation("ada")).await.unwrap_err();
    assert_eq!(error.code(), "unauthenticated");
}

#[tokio::test]
async fn an_administrators_refund_is_another_than_the_users_under_the_same_key() {
    let world = World::default();
    let cases = world.use_cases();
    let id = world.completed("ada").await.id;
    for (ctx, refunded) in [(context_of("ada"), 100), (with_role("root", Role::Admin), 200)] {
        let (view, _) = run(&cases.refund_payment, &ctx, Some("k"), refund(&id, 100)).await.unwrap();
        assert_eq!(view.refunded_amount, usd(refunded));
    }
    assert_eq!(world.provider.refunds().len(), 2);
}

#[tokio::test]
async fn who_is_no_administrator_any_more_gets_no_answers_of_that_time() {
    let world = World::default();
    let cases = world.use_cases();
    let id = world.completed("ada").await.id;
    let (was, is) = (with_role("root", Role::Admin), context_of("root"));
    run(&cases.refund_payment, &was, Some("k"), refund(&id, 100)).await.unwrap();
    let again = run(&cases.refund_payment, &is, Some("k"), refund(&id, 100)).await;
    assert_eq!(again.unwrap_err().code(), "payment_not_found");
    let (_, replayed) = run(&cases.refund_payment, &was, Some("k"), refund(&id, 100)).await.unwrap();
    assert!(replayed);
}

#[tokio::test]
async fn refusals_are_observed_once_and_old_answers_are_not() {
    let world = World::default();
    let seen = Arc::new(Outcomes::default());
    let observer: Arc<dyn UseCaseObserver> = seen.clone();
    let cases = world.observed_by(&observer);
    let id = world.completed("ada").await.id;
    for ctx in [context_of("ada"), context_of("ada"), nobody(), context_of("bob")] {
        let _ = run(&cases.refund_payment, &ctx, Some("k"), refund(&id, 100)).await;
    }
    let denied = cases.get_stats.handle(&context_of("bob"), GetStats).await;
    assert!(is_forbidden(&denied));
    let refunds = ["ok", "unauthenticated", "not_found"].map(|outcome| ("refund_payment", outcome));
    assert_eq!(*seen.0.lock().unwrap(), [&refunds[..], &[(GetStats::NAME, "forbidden")]].concat());
}

#[derive(Default)]
struct Outcomes(Mutex<Vec<(&'static str, &'static str)>>);

impl UseCaseObserver for Outcomes {
    fn observe(&self, _: &CallContext, observation: &Observation<'_>) {
        self.0.lock().unwrap().push((observation.use_case, observation.outcome()));
    }
}
