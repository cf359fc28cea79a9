//! `basket.v1.BasketService`.

use basket_application::{
    BasketError, BasketUseCases,
    commands::{AddItem, ClearItems, CreateBasket, DeleteBasket, RemoveItem, UpdateItem},
    queries::GetBasket,
    views::BasketView,
};
use platform_grpc::{call_context, status};
use proto::basket::v1::{
    AddItemRequest, AddItemResponse, Basket, ClearItemsRequest, ClearItemsResponse, CreateBasketRequest,
    CreateBasketResponse, DeleteBasketRequest, DeleteBasketResponse, GetBasketRequest, GetBasketResponse,
    RemoveItemRequest, RemoveItemResponse, UpdateItemRequest, UpdateItemResponse,
    basket_service_server::BasketService,
};
use tonic::{Request, Response, Status};

use crate::wire;

/// The service over the handlers that HTTP calls too.
pub struct BasketRoom {
    use_cases: BasketUseCases,
}

impl BasketRoom {
    /// Serves `use_cases`.
    pub const fn new(use_cases: BasketUseCases) -> Self {
        Self { use_cases }
    }
}

#[tonic::async_trait]
impl BasketService for BasketRoom {
    async fn get_basket(
        &self,
        request: Request<GetBasketRequest>,
    ) -> Result<Response<GetBasketResponse>, Status> {
        let ctx = call_context(&request);
        let query = GetBasket { user_id: request.into_inner().user_id };
        let basket = answer(self.use_cases.get_basket.handle(&ctx, query).await)?;
        Ok(Response::new(GetBasketResponse { basket }))
    }

    async fn create_basket(
        &self,
        request: Request<CreateBasketRequest>,
    ) -> Result<Response<CreateBasketResponse>, Status> {
        let ctx = call_context(&request);
        let command = CreateBasket { user_id: request.into_inner().user_id };
        let made =
            self.use_cases.create_basket.handle(&ctx, command).await.map_err(|error| status(&error))?;
        let basket = Some(wire::basket(made.basket));
        Ok(Response::new(CreateBasketResponse { basket, created: made.created }))
    }

    async fn delete_basket(
        &self,
        request: Request<DeleteBasketRequest>,
    ) -> Result<Response<DeleteBasketResponse>, Status> {
        let ctx = call_context(&request);
        let command = DeleteBasket { user_id: request.into_inner().user_id };
        self.use_cases.delete_basket.handle(&ctx, command).await.map_err(|error| status(&error))?;
        Ok(Response::new(DeleteBasketResponse {}))
    }

    async fn add_item(&self, request: Request<AddItemRequest>) -> Result<Response<AddItemResponse>, Status> {
        let ctx = call_context(&request);
        let AddItemRequest { user_id, product_id, quantity } = request.into_inner();
        let command = AddItem { user_id, product_id, quantity };
        let basket = answer(self.use_cases.add_item.handle(&ctx, command).await)?;
        Ok(Response::new(AddItemResponse { basket }))
    }

    async fn update_item(
        &self,
        request: Request<UpdateItemRequest>,
    ) -> Result<Response<UpdateItemResponse>, Status> {
        let ctx = call_context(&request);
        let UpdateItemRequest { user_id, product_id, quantity } = request.into_inner();
        let command = UpdateItem { user_id, product_id, quantity };
        let basket = answer(self.use_cases.update_item.handle(&ctx, command).await)?;
        Ok(Response::new(UpdateItemResponse { basket }))
    }

    async fn remove_item(
        &self,
        request: Request<RemoveItemRequest>,
    ) -> Result<Response<RemoveItemResponse>, Status> {
        let ctx = call_context(&request);
        let RemoveItemRequest { user_id, product_id } = request.into_inner();
        let command = RemoveItem { user_id, product_id };
        let basket = answer(self.use_cases.remove_item.handle(&ctx, command).await)?;
        Ok(Response::new(RemoveItemResponse { basket }))
    }

    async fn clear_items(
        &self,
        request: Request<ClearItemsRequest>,
    ) -> Result<Response<ClearItemsResponse>, Status> {
        let ctx = call_context(&request);
        let command = ClearItems { user_id: request.into_inner().user_id };
        let basket = answer(self.use_cases.clear_items.handle(&ctx, command).await)?;
        Ok(Response::new(ClearItemsResponse { basket }))
    }
}

fn answer(result: Result<BasketView, BasketError>) -> Result<Option<Basket>, Status> {
    result.map(|view| Some(wire::basket(view))).map_err(|error| status(&error))
}

#[cfg(test)]
mod tests {
    use basket_application::testing::{Bench, CatalogState};
    use kernel_application::{
        CallContext, Caller,
        testing::{context, context_of},
    };
    use platform_grpc::Fault;
    use tonic::Code;

    use super::*;

    fn room(bench: &Bench) -> BasketRoom {
        BasketRoom::new(bench.use_cases.clone())
    }

    async fn add(room: &BasketRoom, product_id: i64, quantity: i64) -> Result<Basket, Status> {
        let request = AddItemRequest { user_id: "ada".to_owned(), product_id, quantity };
        room.add_item(Request::new(request)).await.map(|response| response.into_inner().basket.unwrap())
    }

    async fn update(room: &BasketRoom, product_id: i64, quantity: i64) -> Result<Basket, Status> {
        let request = UpdateItemRequest { user_id: "ada".to_owned(), product_id, quantity };
        room.update_item(Request::new(request)).await.map(|response| response.into_inner().basket.unwrap())
    }

    async fn get(room: &BasketRoom) -> Result<Basket, Status> {
        let request = GetBasketRequest { user_id: "ada".to_owned() };
        room.get_basket(Request::new(request)).await.map(|response| response.into_inner().basket.unwrap())
    }

    fn code<T>(result: Result<T, Status>) -> (Code, String) {
        let status = result.err().unwrap();
        (status.code(), Fault::from(&status).code)
    }

    #[tokio::test]
    async fn a_basket_lives_from_creation_to_deletion() {
        let bench = Bench::with_product(1, "19.99", 5);
        let room = room(&bench);
        let create = || Request::new(CreateBasketRequest { user_id: "ada".to_owned() });
        assert!(room.create_basket(create()).await.unwrap().into_inner().created);
        assert!(!room.create_basket(create()).await.unwrap().into_inner().created);
        let basket = add(&room, 1, 2).await.unwrap();
        let total = basket.total.clone().unwrap();
        assert_eq!((total.units, total.nanos, total.currency_code.as_str()), (39, 980_000_000, "USD"));
        assert_eq!((basket.version, basket.item_count, basket.items.len()), (2, 2, 1));
        assert_eq!(update(&room, 1, 5).await.unwrap().item_count, 5);
        let remove = RemoveItemRequest { user_id: "ada".to_owned(), product_id: 1 };
        let removed = room.remove_item(Request::new(remove)).await.unwrap().into_inner().basket.unwrap();
        assert_eq!(get(&room).await.unwrap(), removed);
        add(&room, 1, 1).await.unwrap();
        let clear = ClearItemsRequest { user_id: "ada".to_owned() };
        assert!(
            room.clear_items(Request::new(clear))
                .await
                .unwrap()
                .into_inner()
                .basket
                .unwrap()
                .items
                .is_empty()
        );
        let delete = || Request::new(DeleteBasketRequest { user_id: "ada".to_owned() });
        room.delete_basket(delete()).await.unwrap();
        assert_eq!(code(room.delete_basket(delete()).await), (Code::NotFound, "basket_not_found".to_owned()));
    }

    #[tokio::test]
    async fn failures_have_the_codes_of_http() {
        let bench = Bench::with_product(1, "19.99", 5);
        let room = room(&bench);
        let expect = |code: Code, reason: &str| (code, reason.to_owned());
        assert_eq!(code(get(&room).await), expect(Code::NotFound, "basket_not_found"));
        assert_eq!(code(add(&room, 9, 1).await), expect(Code::NotFound, "product_not_found"));
        assert_eq!(code(add(&room, 1, 6).await), expect(Code::FailedPrecondition, "insufficient_stock"));
        assert_eq!(code(add(&room, 1, 0).await), expect(Code::InvalidArgument, "validation_failed"));
        add(&room, 1, 1).await.unwrap();
        assert_eq!(code(update(&room, 2, 1).await), expect(Code::NotFound, "item_not_found"));
        bench.catalog.set(CatalogState::Away);
        assert_eq!(code(add(&room, 1, 1).await), expect(Code::Unavailable, "product_service_unavailable"));
    }

    /// A request that the server has found to be the call `ctx`.
    fn by<T>(ctx: &CallContext, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(ctx.clone());
        request
    }

    #[tokio::test]
    async fn a_basket_is_its_owner_s() {
        let bench = Bench::with_product(1, "19.99", 5);
        let before = add(&room(&bench), 1, 2).await.unwrap();
        let guarded = BasketRoom::new(bench.guarded());
        let user_id = || "ada".to_owned();
        let nobody = context().by(Caller::Anonymous);
        for (ctx, expected) in [
            (nobody, (Code::Unauthenticated, "unauthenticated".to_owned())),
            (context_of("bob"), (Code::PermissionDenied, "forbidden".to_owned())),
        ] {
            let (added, updated) = (
                AddItemRequest { user_id: user_id(), product_id: 1, quantity: 1 },
                UpdateItemRequest { user_id: user_id(), product_id: 1, quantity: 1 },
            );
            let removed = RemoveItemRequest { user_id: user_id(), product_id: 1 };
            for refusal in [
                code(guarded.get_basket(by(&ctx, GetBasketRequest { user_id: user_id() })).await),
                code(guarded.create_basket(by(&ctx, CreateBasketRequest { user_id: user_id() })).await),
                code(guarded.delete_basket(by(&ctx, DeleteBasketRequest { user_id: user_id() })).await),
                code(guarded.add_item(by(&ctx, added)).await),
                code(guarded.update_item(by(&ctx, updated)).await),
                code(guarded.remove_item(by(&ctx, removed)).await),
                code(guarded.clear_items(by(&ctx, ClearItemsRequest { user_id: user_id() })).await),
            ] {
                assert_eq!(refusal, expected);
            }
        }
        assert_eq!(get(&room(&bench)).await.unwrap(), before);
        let own = by(&context_of("ada"), GetBasketRequest { user_id: user_id() });
        assert_eq!(guarded.get_basket(own).await.unwrap().into_inner().basket.unwrap(), before);
    }
}
