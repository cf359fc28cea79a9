//! `payment.v1.PaymentService`.

use kernel_application::{CallContext, Page};
use payment_application::{
    PaymentUseCases, PaymentView,
    commands::{CancelPayment, ProcessPayment},
    queries::{GetPayment, ListPayments},
};
use platform_grpc::{call_context, idempotency_key, invalid, status};
use proto::payment::v1::{
    CancelPaymentRequest, CancelPaymentResponse, CreatePaymentRequest, CreatePaymentResponse,
    GetPaymentRequest, GetPaymentResponse, GetPaymentsRequest, GetPaymentsResponse, GetUserPaymentsRequest,
    GetUserPaymentsResponse, ProcessPaymentRequest, ProcessPaymentResponse, RefundPaymentRequest,
    RefundPaymentResponse, payment_service_server::PaymentService,
};
use tonic::{Request, Response, Status};

use crate::{keyed::run, wire};

/// The service over the use cases that HTTP calls too.
pub struct PaymentRoom {
    use_cases: PaymentUseCases,
}

impl PaymentRoom {
    /// Serves `use_cases`.
    pub const fn new(use_cases: PaymentUseCases) -> Self {
        Self { use_cases }
    }

    async fn list(&self, ctx: &CallContext, query: ListPayments) -> Result<Page<PaymentView>, Status> {
        self.use_cases.list_payments.handle(ctx, query).await.map_err(|error| status(&error))
    }
}

#[tonic::async_trait]
impl PaymentService for PaymentRoom {
    async fn create_payment(
        &self,
        request: Request<CreatePaymentRequest>,
    ) -> Result<Response<CreatePaymentResponse>, Status> {
        let (ctx, key) = (call_context(&request), idempotency_key(&request)?);
        let command = wire::creation(request.into_inner());
        let reply = |payment| CreatePaymentResponse { payment };
        run(&*self.use_cases.create_payment, &ctx, key, command, reply).await
    }

    async fn get_payment(
        &self,
        request: Request<GetPaymentRequest>,
    ) -> Result<Response<GetPaymentResponse>, Status> {
        let ctx = call_context(&request);
        let query = GetPayment { id: request.into_inner().id };
        let view = self.use_cases.get_payment.handle(&ctx, query).await.map_err(|error| status(&error))?;
        Ok(Response::new(GetPaymentResponse { payment: Some(wire::payment(view)) }))
    }

    async fn process_payment(
        &self,
        request: Request<ProcessPaymentRequest>,
    ) -> Result<Response<ProcessPaymentResponse>, Status> {
        let (ctx, key) = (call_context(&request), idempotency_key(&request)?);
        let ProcessPaymentRequest { id, payment_token } = request.into_inner();
        let command = ProcessPayment { id, payment_token };
        let reply = |payment| ProcessPaymentResponse { payment };
        run(&*self.use_cases.process_payment, &ctx, key, command, reply).await
    }

    async fn cancel_payment(
        &self,
        request: Request<CancelPaymentRequest>,
    ) -> Result<Response<CancelPaymentResponse>, Status> {
        let (ctx, key) = (call_context(&request), idempotency_key(&request)?);
        let command = CancelPayment { id: request.into_inner().id };
        let reply = |payment| CancelPaymentResponse { payment };
        run(&*self.use_cases.cancel_payment, &ctx, key, command, reply).await
    }

    async fn refund_payment(
        &self,
        request: Request<RefundPaymentRequest>,
    ) -> Result<Response<RefundPaymentResponse>, Status> {
        let (ctx, key) = (call_context(&request), idempotency_key(&request)?);
        let command = wire::refund(request.into_inner()).map_err(|violation| invalid(&[violation]))?;
        let reply = |payment| RefundPaymentResponse { payment };
        run(&*self.use_cases.refund_payment, &ctx, key, command, reply).await
    }

    async fn get_payments(
        &self,
        request: Request<GetPaymentsRequest>,
    ) -> Result<Response<GetPaymentsResponse>, Status> {
        let ctx = call_context(&request);
        let page = self.list(&ctx, wire::list(request.into_inner())).await?.map(wire::payment);
        Ok(Response::new(GetPaymentsResponse { payments: page.items, next_cursor: page.next_cursor }))
    }

    async fn get_user_payments(
        &self,
        request: Request<GetUserPaymentsRequest>,
    ) -> Result<Response<GetUserPaymentsResponse>, Status> {
        let ctx = call_context(&request);
        let page = self.list(&ctx, wire::user_list(request.into_inner())).await?.map(wire::payment);
        Ok(Response::new(GetUserPaymentsResponse { payments: page.items, next_cursor: page.next_cursor }))
    }
}
