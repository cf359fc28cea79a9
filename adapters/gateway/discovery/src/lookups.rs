//! What names stood for when they were last looked up, and when they are to be looked up again.

use std::{collections::HashMap, time::Duration};

use gateway_domain::{Backend, fleet::Source};
use tokio::time::Instant;

use crate::{
    resolver::{Answer, LookupError},
    worker::Pace,
};

/// One for each name among the sources.
#[derive(Debug, Default)]
pub(crate) struct Lookups(HashMap<Source, Lookup>);

#[derive(Debug)]
struct Lookup {
    /// The last good answer; none yet.
    backends: Vec<Backend>,
    failing: bool,
    due: Instant,
    /// Somebody is asked for it now.
    asked: bool,
}

/// What an answer was, compared with the last one.
#[derive(Debug)]
pub(crate) enum News {
    /// Other backends, or the first ones.
    Other,
    /// The same ones.
    Same,
    /// The same ones, after an answer that could not be used.
    Recovered,
    /// No answer, for the first time in a row.
    Failed(LookupError),
    /// No answer again.
    StillFailing,
}

impl Lookups {
    /// From now on these are looked up and no others; those that are gone.
    pub(crate) fn follow<'a>(
        &mut self,
        sources: impl Iterator<Item = &'a Source>,
        now: Instant,
    ) -> Vec<Source> {
        let names: Vec<_> = sources.filter(|source| source.fixed().is_none()).collect();
        let gone: Vec<_> = self.0.keys().filter(|known| !names.contains(known)).cloned().collect();
        for source in &gone {
            self.0.remove(source);
        }
        for name in names {
            let new = || Lookup { backends: Vec::new(), failing: false, due: now, asked: false };
            self.0.entry(name.clone()).or_insert_with(new);
        }
        gone
    }

    /// Those whose time has come. Until they are answered, it does not come again.
    pub(crate) fn ask(&mut self, now: Instant) -> Vec<Source> {
        let due = self.0.iter_mut().filter(|(_, lookup)| lookup.due <= now && !lookup.asked);
        due.map(|(source, lookup)| {
            lookup.asked = true;
            source.clone()
        })
        .collect()
    }

    /// When the next one's time comes.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.values().filter(|lookup| !lookup.asked).map(|lookup| lookup.due).min()
    }

    /// Takes an answer into account. A failed lookup changes nothing: that DNS is away says nothing of backends.
    pub(crate) fn answered(
        &mut self,
        source: &Source,
        answer: Result<Answer, LookupError>,
        pace: &Pace,
        now: Instant,
    ) -> News {
        let Some(lookup) = self.0.get_mut(source) else { return News::Same };
        lookup.asked = false;
        let valid = answer.as_ref().map_or(Duration::ZERO, |answer| answer.valid);
        lookup.due = now + valid.clamp(pace.least, pace.most);
        let failed = std::mem::replace(&mut lookup.failing, answer.is_err());
        match answer {
            Err(error) if !failed => News::Failed(error),
            Err(_) => News::StillFailing,
            Ok(answer) => {
                let backends = answer.over(&lookup.backends);
                if lookup.backends != backends {
                    lookup.backends = backends;
                    News::Other
                } else if failed {
                    News::Recovered
                } else {
                    News::Same
                }
            }
        }
    }

    /// Whether every name of a list has been found, be it once.
    pub(crate) fn have_all(&self, sources: &[Source]) -> bool {
        let found = |source: &Source| self.0.get(source).is_some_and(|lookup| !lookup.backends.is_empty());
        sources.iter().all(|source| source.fixed().is_some() || found(source))
    }

    /// The backends of a list, each once, in its order.
    pub(crate) fn expand(&self, sources: &[Source]) -> Vec<Backend> {
        let mut all: Vec<Backend> = Vec::new();
        for source in sources {
            let found = self.0.get(source).map(|lookup| lookup.backends.as_slice()).unwrap_or_default();
            for backend in source.fixed().into_iter().chain(found) {
                if all.iter().all(|known| known.id() != backend.id()) {
                    all.push(backend.clone());
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace =
        Pace { file: Duration::from_secs(1), least: Duration::from_secs(5), most: Duration::from_mins(1) };

    fn source(text: &str) -> Source {
        Source::parse(text).unwrap()
    }

    fn found(urls: &[&str], seconds: u64) -> Answer {
        let backends = urls.iter().map(|url| Backend::parse(url).unwrap()).collect();
        Answer { backends, valid: Duration::from_secs(seconds), whole: true }
    }

    fn shown(lookups: &Lookups, sources: &[Source]) -> Vec<String> {
        lookups.expand(sources).iter().map(|backend| backend.authority().to_owned()).collect()
    }

    #[test]
    fn times_to_live_hold_within_bounds() {
        let now = Instant::now();
        let name = source("dns://a:1");
        let mut lookups = Lookups::default();
        lookups.follow([&name, &source("http://b:1")].into_iter(), now);
        assert_eq!((lookups.next(), lookups.ask(now)), (Some(now), vec![name.clone()]));
        assert_eq!((lookups.next(), lookups.ask(now)), (None, vec![]), "it is asked for already");
        for (seconds, waits) in [(0, 5), (30, 30), (3_600, 60), (u64::MAX, 60)] {
            lookups.answered(&name, Ok(found(&["http://1.1.1.1:1"], seconds)), &PACE, now);
            assert_eq!(lookups.next(), Some(now + Duration::from_secs(waits)), "{seconds}");
        }
        lookups.answered(&name, Err(LookupError::Empty), &PACE, now);
        assert_eq!(lookups.next(), Some(now + PACE.least), "a failed one soon again");
        assert!(lookups.ask(now).is_empty());
    }

    #[test]
    fn an_answer_in_part_takes_nothing_away() {
        let now = Instant::now();
        let name = source("srv://_http._tcp.a");
        let mut lookups = Lookups::default();
        lookups.follow([&name].into_iter(), now);
        lookups.answered(&name, Ok(found(&["http://1.1.1.1:1", "http://1.1.1.2:1"], 9)), &PACE, now);
        let part = Answer { whole: false, ..found(&["http://1.1.1.2:1;weight=3", "http://1.1.1.3:1"], 9) };
        lookups.answered(&name, Ok(part), &PACE, now);
        let sources = [name];
        assert_eq!(shown(&lookups, &sources), ["1.1.1.2:1", "1.1.1.3:1", "1.1.1.1:1"]);
        lookups.answered(&sources[0], Ok(found(&["http://1.1.1.3:1"], 9)), &PACE, now);
        assert_eq!(shown(&lookups, &sources), ["1.1.1.3:1"]);
    }

    #[test]
    fn the_last_good_answer_stays() {
        let now = Instant::now();
        let sources = [source("http://b:1"), source("dns://a:1"), source("http://[::1]:1")];
        let name = &sources[1];
        let mut lookups = Lookups::default();
        lookups.follow(sources.iter(), now);
        assert_eq!(shown(&lookups, &sources), ["b:1", "[::1]:1"]);
        let mut answered = |answer| {
            let news = lookups.answered(name, answer, &PACE, now);
            (format!("{news:?}"), shown(&lookups, &sources))
        };
        let both = ["1.1.1.1:1", "[::1]:1"].map(|authority| format!("http://{authority}"));
        let both: Vec<_> = both.iter().map(String::as_str).collect();
        let all = || ["b:1", "1.1.1.1:1", "[::1]:1"].map(str::to_owned).to_vec();
        assert_eq!(
            answered(Ok(found(&both, 9))),
            ("Other".to_owned(), all()),
            "what is there twice counts once"
        );
        assert_eq!(answered(Ok(found(&both, 9))), ("Same".to_owned(), all()));
        assert_eq!(answered(Err(LookupError::Empty)), ("Failed(Empty)".to_owned(), all()));
        assert_eq!(answered(Err(LookupError::Empty)), ("StillFailing".to_owned(), all()));
        assert_eq!(answered(Ok(found(&both, 9))), ("Recovered".to_owned(), all()));
        // Behind one address there may be two names.
        let named = ["https://1.1.1.1:1;server_name=a", "https://1.1.1.1:1;server_name=b"];
        assert_eq!(answered(Ok(found(&named, 9))).1, ["b:1", "1.1.1.1:1", "1.1.1.1:1", "[::1]:1"]);
        // Nobody names it any more, and later somebody does again.
        assert_eq!(lookups.follow(sources[..1].iter(), now), sources[1..2]);
        assert!(lookups.follow(sources.iter(), now).is_empty());
        assert_eq!(shown(&lookups, &sources), ["b:1", "[::1]:1"]);
    }
}
