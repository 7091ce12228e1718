//! The check at the end, from what riders and drivers have kept, which runs there are, and what is locked.

use super::{
    people::{Driver, Rider, Stay},
    riding::{ride, run_of},
};
use futures::TryStreamExt;
use sarsen::{CallError, Client, LockStage, RunStatus};
use std::collections::BTreeMap;

/// What there is in the end.
#[derive(Clone, Default)]
pub struct Records {
    pub riders: BTreeMap<String, Vec<Stay>>,
    pub drivers: BTreeMap<String, Vec<Stay>>,
    pub runs: BTreeMap<String, RunStatus>,
    /// The entities that are locked.
    pub locked: Vec<String>,
}

impl Records {
    pub async fn read_back(client: &Client) -> Result<Self, CallError> {
        let riders = client.entities::<Rider>().with_state().map_ok(|it| (it.key, it.state.stays));
        let drivers = client.entities::<Driver>().with_state().map_ok(|it| (it.key, it.state.stays));
        let runs = client.runs().orchestration(ride).map_ok(|run| (run.id.to_string(), run.status));
        let locks = client.locks().await?.into_iter().filter(|lock| lock.stage != LockStage::Releasing);
        Ok(Self {
            riders: riders.try_collect().await?,
            drivers: drivers.try_collect().await?,
            runs: runs.try_collect().await?,
            locked: locks.map(|lock| lock.entity.to_string()).collect(),
        })
    }

    /// Everything that is not as it should be after so many rides, one sentence each.
    pub fn faults(&self, count: u64) -> Vec<String> {
        let mut faults = Vec::new();
        for run in (0..count).map(run_of) {
            let status = self.runs.get(&run);
            if status != Some(&RunStatus::Completed) {
                faults.push(format!("{run} is {status:?}"));
            }
        }
        let people = || self.riders.iter().chain(&self.drivers);
        for (who, stays) in people() {
            check_stays(who, stays, &mut faults);
        }
        for ride in 0..count {
            let of = |people: &BTreeMap<String, Vec<Stay>>| -> Vec<(String, String)> {
                let stays = people.iter().flat_map(|(who, stays)| stays.iter().map(move |stay| (who, stay)));
                let stays = stays.filter(|(_, stay)| stay.ride == ride);
                stays.map(|(who, stay)| (who.clone(), stay.with.clone())).collect()
            };
            match (&of(&self.riders)[..], &of(&self.drivers)[..]) {
                ([(rider, found)], [(driver, taken)]) if found == driver && taken == rider => {}
                (on_board, at_wheel) => {
                    faults.push(format!("ride {ride} had {on_board:?} and {at_wheel:?}"));
                }
            }
        }
        faults.extend(self.locked.iter().map(|entity| format!("{entity} is still locked")));
        faults
    }
}

/// Each ride was over before the next began.
fn check_stays(who: &str, stays: &[Stay], faults: &mut Vec<String>) {
    let mut stays = stays.to_vec();
    stays.sort_by_key(|stay| (stay.from, stay.to));
    for pair in stays.windows(2) {
        if pair[0].to.is_none_or(|to| pair[1].from < to) {
            faults.push(format!("{who} was in rides {} and {} at once", pair[0].ride, pair[1].ride));
        }
    }
    let open = stays.iter().filter(|stay| stay.to.is_none());
    faults.extend(open.map(|stay| format!("{who} is still in ride {}", stay.ride)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use sarsen::Timestamp;

    /// One rider who rode twice, with two drivers.
    fn records() -> Records {
        let stay = |ride, with: &str, from, to| Stay {
            ride,
            with: with.to_owned(),
            from: Timestamp::from_micros(from),
            to: Some(Timestamp::from_micros(to)),
        };
        let (rider, first, second) = (Rider::key(0), Driver::key(0), Driver::key(1));
        Records {
            riders: BTreeMap::from([(rider.clone(), vec![stay(0, &first, 1, 5), stay(1, &second, 6, 9)])]),
            drivers: BTreeMap::from([
                (first, vec![stay(0, &rider, 2, 6)]),
                (second, vec![stay(1, &rider, 7, 9)]),
            ]),
            runs: (0..2).map(|ride| (run_of(ride), RunStatus::Completed)).collect(),
            locked: Vec::new(),
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Records, &mut Stay), part: &str) {
        let mut records = records();
        let mut stay = records.riders[&Rider::key(0)][1].clone();
        change(&mut records, &mut stay);
        records.riders.get_mut(&Rider::key(0)).expect("the rider is there")[1] = stay;
        let faults = records.faults(2);
        assert!(faults.len() == 1 && faults[0].contains(part), "{faults:?}");
    }

    #[test]
    fn whoever_is_in_two_rides_or_in_none_is_found_out() {
        assert!(records().faults(2).is_empty());
        check(|_, stay| stay.from = Timestamp::from_micros(4), "rider-000 was in rides 0 and 1 at once");
        check(|_, stay| stay.to = None, "rider-000 is still in ride 1");
        check(|_, stay| stay.with = Driver::key(0), "ride 1 had");
        check(|records, _| drop(records.drivers.remove(&Driver::key(1))), "ride 1 had");
        check(|records, _| records.runs.retain(|run, _| *run != run_of(1)), "ride-00001 is None");
        check(|records, _| records.locked.push("@driver@a".to_owned()), "still locked");
    }
}
