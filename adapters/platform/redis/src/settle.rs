//! Changes of a bucket, and how an event has its effect once.
//!
//! A context's data is spread over 256 buckets, in as many slots of a cluster, and its messaging is in one slot more. No
//! script spans two slots, so an effect and the consumer's position cannot move together as they do in a database.
//! What can move together is an effect and a *cursor* beside it, in the effect's own bucket. Per partition there are:
//!
//! - the **position**, in the messaging slot: owner, epoch, next offset, and per bucket the offset that the bucket is
//!   known to have reached;
//! - in each bucket a **cursor**: the epoch the bucket is read under (its stamp), and an offset before which all that
//!   concerns the bucket is settled; and the ids of the events that had an effect here.
//!
//! An effect goes in three steps, each of them one script:
//!
//! 1. *Guard*, messaging: the delivery has the position's epoch and offset, else it is fenced off. The answer has the
//!    offset that the bucket is known to have reached, the *floor*.
//! 2. *Change*, bucket: the stamp is the delivery's epoch and the cursor is not below the floor, else the partition is
//!    lost. Where the event's id is remembered, the effect is there already. Otherwise the effect is written, the id
//!    remembered, the cursor moved behind the record unless it is past it.
//! 3. *Move*, messaging: the position goes on if it still has the epoch and offset, and with it what is known of the bucket.
//!
//! Between effects the cursors of all buckets are *lifted* to the position: of each bucket as it is stamped by whoever
//! takes the partition, and of sixteen buckets in turn by each renewal, so that all have had theirs in sixteen renewals.
//! A lift is one script in the bucket, which has to have the stamp and to be at or past its floor.
//!
//! ## Why this holds
//!
//! **A crash between 2 and 3.** The position still names the record. It is delivered again, its id is remembered, step 2
//! answers that it is applied, step 3 is made up for.
//!
//! **A reader that lost its partition.** Whoever takes one raises its epoch and then stamps all 256 buckets with the new
//! one before it reads a record. A reader of an old epoch fails at the guard, and if it was past the guard when it was
//! cut off, at the stamp. Hence it can neither apply what the new reader parked nor run ahead of it.
//!
//! **A failover that loses writes of a shard.** Replication keeps the order of writes, so cursor, ids and data of a bucket
//! fall back together, to a state they had: what concerns the bucket and is below its cursor is settled. Where an effect
//! was lost, what the position knows of the bucket is then *above* the cursor. This is noticed by the floor when the next
//! effect comes, by renewals, which look at a few buckets each in turn, and by whoever takes the partition. It makes the
//! reader give the partition up; taking it anew moves the position back to the lowest cursor that fell behind. From there
//! on records are delivered again: the bucket that lost them applies them, all others answer that theirs are applied.
//!
//! **A failover of the messaging slot.** Position and what it knows fall back together. What it knows is never more than
//! what buckets have, since they are written first, so records are delivered again and found applied. Epochs fall back,
//! too: stamps that are as high as the new epoch, or higher, are found when it is taken, and the epoch goes above them.
//!
//! **A lift is true whenever it comes.** Offset and floor are read from the position at one moment. Steps 2 and 3 go in
//! this order, so whatever had its effect in the bucket and is before that offset is before that floor; a bucket at or
//! past the floor has all of it. No later move of the position, back or on, makes that untrue, so it matters neither who
//! dies between reading the position and lifting, nor which of the two falls back after. A bucket that is below its floor
//! is not lifted, which would hide what it lost; one that another reader has stamped is that reader's to lift. The
//! position knows nothing of a lift: one that is lost is no loss, and the next makes up for it.
//!
//! **A cursor past a record does not say that it had its effect**: the record may have been parked, or ignored. If the
//! messaging slot then loses the dead letter, the record comes again and must not be taken for applied. Hence it is the
//! id that tells. Ids are kept for longer than the log keeps records, as [`Inbox::purge`] demands.
//!
//! ## How much is read again
//!
//! What is read again reaches from the lowest cursor that fell behind to the position: all buckets but the one that lost
//! something answer that they have it. An *idle bucket* would make that days, were its cursor to stand where its last
//! effect was, and the log may have dropped those records, where a reader has to halt. Lifts bound it: a bucket that loses
//! the last seconds before a failover falls back to a cursor that was lifted at most sixteen renewals before those
//! seconds, counted while the partition was read. That is half a minute of reading and the time by which the replica was
//! late, far less than any log keeps. A bucket lost before its first lift has no cursor, and then the offset at which the
//! consumer began is the bound. Only a shard that loses *everything*, by starting empty, is further behind than the log
//! goes: its baskets are gone as well, the reader halts, and a person has to decide.
//!
//! The price is a write for each bucket in sixteen renewals, and none where the position stood still.
//!
//! What a client was told is kept as safely as the server keeps it: see the durability settings of Redis (`appendonly`,
//! `appendfsync`, `min-replicas-to-write`).
//!
//! [`Inbox::purge`]: kernel_application::messaging::Inbox::purge

use fred::{interfaces::SortedSetsInterface, types::Value};
use kernel_application::{CallContext, StoreError, messaging::Delivery};

use crate::{
    Bucket, Redis, Script,
    keys::{member, place_of},
    script::script,
};

static GUARD: Script = script!("guard");
static ADVANCE: Script = script!("move", "advance");
static RELEASE: Script = script!("release");

/// A change of what one bucket has, by one script.
pub struct Change<'a> {
    /// What is tried, for messages.
    pub operation: &'static str,
    /// What `conflict` is about.
    pub aggregate: &'static str,
    /// A script made by [`Script::change`].
    pub script: &'a Script,
    /// Where it happens.
    pub bucket: Bucket,
    /// The keys it may touch, all of that bucket.
    pub keys: Vec<String>,
    /// What it is told.
    pub args: Vec<String>,
}

/// What became of a change.
pub(crate) enum Outcome {
    /// It is made; the script's verdict.
    Done(String),
    /// The bucket had its effect before.
    Applied,
    /// Its event was handled elsewhere.
    Handled,
    /// The script refused it.
    Conflict,
    /// The bucket is not, or no longer, read under this epoch.
    Lost,
}

impl Redis {
    /// Makes a change and settles the context's delivery with it. Answers the script's verdict.
    ///
    /// On an error nothing is written, with two exceptions: [`StoreError::AlreadyApplied`] keeps the consumer's move, and
    /// [`StoreError::Unavailable`] leaves open whether the server still got to it, as with any store across a network.
    pub async fn write(&self, ctx: &CallContext, change: Change<'_>) -> Result<String, StoreError> {
        let (aggregate, bucket) = (change.aggregate, change.bucket);
        let Some(delivery) = ctx.delivery() else {
            return verdict(self.change(change, None).await?, aggregate);
        };
        let outcome = self.settle(delivery, change).await?;
        // Where the position is no longer ours to move, its new reader finds the effect and moves it.
        match outcome {
            Outcome::Done(_) | Outcome::Applied => drop(self.advance(delivery, Some(bucket)).await?),
            Outcome::Handled => drop(self.advance(delivery, None).await?),
            Outcome::Lost => self.disown(&place_of(delivery), delivery.epoch).await?,
            Outcome::Conflict => {}
        }
        verdict(outcome, aggregate)
    }

    /// Whether the bucket remembers the event.
    pub(crate) async fn remembers(&self, bucket: Bucket, event: &str) -> Result<bool, StoreError> {
        const OPERATION: &str = "read inbox";
        let score = self.client(OPERATION)?.zscore(self.key(bucket, "inbox"), event).await;
        let score: Option<f64> = score.map_err(|error| self.failure(OPERATION, error))?;
        Ok(score.is_some())
    }

    /// Moves the position past a record whose effect is in `bucket`, or that has none: `false` where it is not ours.
    pub(crate) async fn advance(
        &self,
        delivery: &Delivery,
        bucket: Option<Bucket>,
    ) -> Result<bool, StoreError> {
        let args = move_args(delivery, member(&delivery.consumer, delivery.event_id), bucket);
        self.eval("advance position", &ADVANCE, self.move_keys(delivery), args).await
    }

    /// Gives up a partition that must be taken anew: under this epoch nothing more is written.
    pub(crate) async fn disown(&self, place: &str, epoch: i64) -> Result<(), StoreError> {
        let args = vec![epoch.into(), 1.into()];
        self.eval("give partition up", &RELEASE, vec![self.position_key(place)], args).await
    }

    /// Gives up a partition in good order.
    pub(crate) async fn release(&self, place: &str, epoch: i64) -> Result<(), StoreError> {
        let args = vec![epoch.into(), 0.into()];
        self.eval("release partition", &RELEASE, vec![self.position_key(place)], args).await
    }

    pub(crate) fn position_key(&self, place: &str) -> String {
        self.keys().messaging(&format!("position:{place}"))
    }

    pub(crate) fn move_keys(&self, delivery: &Delivery) -> Vec<String> {
        vec![self.position_key(&place_of(delivery)), self.keys().messaging("inbox")]
    }

    /// Guard and change, without the move.
    pub(crate) async fn settle(
        &self,
        delivery: &Delivery,
        change: Change<'_>,
    ) -> Result<Outcome, StoreError> {
        let bucket = change.bucket;
        let Some((floor, handled)) = self.guard(delivery, bucket).await? else {
            return Err(StoreError::Fenced);
        };
        let event = member(&delivery.consumer, delivery.event_id);
        let elsewhere = match handled {
            None => false,
            Some(None) => true,
            Some(Some(other)) => other != bucket && self.remembers(other, &event).await?,
        };
        if elsewhere {
            return Ok(Outcome::Handled);
        }
        self.change(change, Some((delivery, floor))).await
    }

    /// The bucket's floor and where the event was handled, if it was; `None` where the delivery is fenced off.
    pub(crate) async fn guard(
        &self,
        delivery: &Delivery,
        bucket: Bucket,
    ) -> Result<Option<(i64, Handled)>, StoreError> {
        let args = vec![
            delivery.epoch.into(),
            delivery.expected.into(),
            i64::from(bucket.number()).into(),
            member(&delivery.consumer, delivery.event_id).into(),
        ];
        let answer: Option<(i64, String)> =
            self.eval("check position", &GUARD, self.move_keys(delivery), args).await?;
        Ok(answer.map(|(floor, score)| (floor, handled_in(&score))))
    }

    pub(crate) async fn change(
        &self,
        change: Change<'_>,
        settled: Option<(&Delivery, i64)>,
    ) -> Result<Outcome, StoreError> {
        let mut keys = vec![self.key(change.bucket, "cursor"), self.key(change.bucket, "inbox")];
        keys.extend(change.keys);
        let mut args: Vec<Value> = match settled {
            Some((delivery, floor)) => vec![
                place_of(delivery).into(),
                delivery.epoch.into(),
                floor.into(),
                delivery.next.into(),
                member(&delivery.consumer, delivery.event_id).into(),
            ],
            None => vec!["".into(); 5],
        };
        args.extend(change.args.into_iter().map(Value::from));
        let (status, verdict): (String, String) =
            self.eval(change.operation, change.script, keys, args).await?;
        Ok(match status.as_str() {
            "done" => Outcome::Done(verdict),
            "applied" => Outcome::Applied,
            "conflict" => Outcome::Conflict,
            _ => Outcome::Lost,
        })
    }
}

fn verdict(outcome: Outcome, aggregate: &'static str) -> Result<String, StoreError> {
    match outcome {
        Outcome::Done(verdict) => Ok(verdict),
        Outcome::Applied | Outcome::Handled => Err(StoreError::AlreadyApplied),
        Outcome::Conflict => Err(StoreError::Conflict(aggregate)),
        Outcome::Lost => Err(StoreError::Fenced),
    }
}

/// Not yet, without effect, or with an effect in a bucket.
pub(crate) type Handled = Option<Option<Bucket>>;

/// Reads the score of an event in the messaging slot: its lowest nine bits say where the effect is.
pub(crate) fn handled_in(score: &str) -> Handled {
    let place = score.parse::<u64>().ok()? % 512;
    Some(place.checked_sub(1).and_then(|number| u8::try_from(number).ok()).map(Bucket::from_number))
}

/// What `move.lua` is told.
pub(crate) fn move_args(delivery: &Delivery, event: String, bucket: Option<Bucket>) -> Vec<Value> {
    let bucket = bucket.map_or_else(String::new, |bucket| bucket.number().to_string());
    vec![delivery.epoch.into(), delivery.expected.into(), delivery.next.into(), event.into(), bucket.into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_says_where_the_effect_is() {
        let time = 1_767_225_600_000_u64 * 512;
        assert_eq!(handled_in(""), None);
        assert_eq!(handled_in(&time.to_string()), Some(None));
        for number in [0, 17, 255] {
            let score = (time + u64::from(number) + 1).to_string();
            assert_eq!(handled_in(&score), Some(Some(Bucket::from_number(number))));
        }
    }
}
