//! The check at the end: each decision is that of the answer, or of the deadline.

use crate::{deciding::Decision, run::Asked};

/// What is wrong about the decision of a request, in one sentence.
pub fn fault(asked: &Asked) -> Option<String> {
    let Asked { what, decided, answer, in_time, .. } = asked;
    match (&decided.decision, answer) {
        (Decision::Escalated { .. }, Some(answer)) if *in_time => {
            Some(format!("{what}: escalated, though {} had answered", answer.by))
        }
        (Decision::Escalated { .. }, _) if decided.waited < decided.deadline => {
            Some(format!("{what}: escalated after {:?}, before the deadline", decided.waited))
        }
        (Decision::Escalated { .. }, _) => None,
        (decision, Some(answer)) if *decision == answer.clone().into() => None,
        (decision, Some(answer)) => Some(format!("{what}: {decision:?}, though the answer was {answer:?}")),
        (decision, None) => Some(format!("{what}: {decision:?}, though nobody answered")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deciding::{Answer, Decided};
    use std::time::Duration;

    const DEADLINE: Duration = Duration::from_secs(2);

    #[track_caller]
    fn check(decision: Decision, waited: Duration, answer: Option<(bool, bool)>, expect: Option<&str>) {
        let in_time = answer.is_some_and(|(_, in_time)| in_time);
        let answer = answer.map(|(approved, _)| Answer { by: "Ann".to_owned(), approved });
        let decided = Decided { decision, waited, deadline: DEADLINE };
        let asked = Asked { number: 1, what: "tea".to_owned(), decided, answer, in_time };
        let found = fault(&asked);
        assert_eq!(found.is_some(), expect.is_some(), "{found:?}");
        assert!(found.unwrap_or_default().contains(expect.unwrap_or_default()));
    }

    #[test]
    fn each_decision_is_that_of_the_answer_or_the_deadline() {
        let approved = || Decision::Approved { by: "Ann".to_owned() };
        let escalated = || Decision::Escalated { to: "Zoe".to_owned() };
        let soon = Duration::from_millis(3);
        check(approved(), soon, Some((true, true)), None);
        check(approved(), soon, Some((false, true)), Some("though the answer was"));
        check(approved(), soon, None, Some("though nobody answered"));
        check(escalated(), DEADLINE, None, None);
        check(escalated(), soon, None, Some("before the deadline"));
        check(escalated(), DEADLINE, Some((true, false)), None);
        check(escalated(), DEADLINE, Some((true, true)), Some("though Ann had answered"));
    }
}
