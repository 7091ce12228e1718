use super::*;
use sarsen_protocol::{ActivityName, CommandId, Epoch, ExecutionId, Payload, RunId, Slot, Uuid};

fn task(command: u32) -> Task {
    let slot = Slot::new(0).expect("there is one");
    Task {
        token: TaskToken { epoch: Epoch(1), slot, execution: 1, command: CommandId(command) },
        run: RunId::new("r").expect("valid"),
        execution: ExecutionId(Uuid::nil()),
        name: ActivityName::of("work"),
        input: Payload::null(),
        trace: None,
        attempt: 1,
        first: CommandId(command),
        progress: None,
    }
}

fn tokens(tasks: impl IntoIterator<Item = Task>) -> Vec<u32> {
    tasks.into_iter().map(|task| task.token.command.0).collect()
}

#[test]
fn as_many_run_at_a_time_as_are_allowed_and_the_rest_waits_in_order() {
    let mut queues = Queues::new([2, 1].into_iter());
    let begun: Vec<Task> = (0..5).filter_map(|command| queues.push(0, task(command))).collect();
    assert_eq!(tokens(begun), [0, 1]);
    assert_eq!(tokens(queues.push(1, task(9))), [9], "each activity has its own limit");
    let mut next = |ended| queues.next(0, task(ended).token).map(|task| task.token.command.0);
    assert_eq!([next(1), next(0), next(2), next(3), next(4)], [Some(2), Some(3), Some(4), None, None]);
    assert_eq!(tokens(queues.push(0, task(5))), [5], "there is room again");
}

#[test]
fn a_task_that_is_cancelled_while_it_waits_never_runs() {
    let mut queues = Queues::new([1].into_iter());
    assert!(queues.push(0, task(0)).is_some());
    for command in 1..4 {
        assert!(queues.push(0, task(command)).is_none());
    }
    queues.cancel(task(1).token);
    queues.cancel(task(3).token);
    assert_eq!(tokens(queues.next(0, task(0).token)), [2]);
    assert_eq!(tokens(queues.next(0, task(2).token)), [] as [u32; 0]);
}

#[test]
fn what_waits_when_no_more_is_begun_is_forgotten() {
    let mut queues = Queues::new([1].into_iter());
    assert!(queues.push(0, task(0)).is_some());
    assert!(queues.push(0, task(1)).is_none());
    queues.close();
    assert!(queues.next(0, task(0).token).is_none());
    assert!(queues.push(0, task(2)).is_none());
}
