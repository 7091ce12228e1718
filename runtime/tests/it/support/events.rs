//! Ears for what is logged, by any thread.

use std::{
    fmt::{Debug, Write},
    sync::{Mutex, Once},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

static LISTENERS: Mutex<Vec<UnboundedSender<String>>> = Mutex::new(Vec::new());

/// Hears the warnings and errors of the whole process from now on, each as a line of its level and fields.
pub(crate) fn listen() -> UnboundedReceiver<String> {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        tracing::subscriber::set_global_default(Ears).expect("no other test sets one");
    });
    let (tell, told) = unbounded_channel();
    LISTENERS.lock().expect("nobody panics while telling").push(tell);
    told
}

struct Ears;

impl Subscriber for Ears {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        let mut listeners = LISTENERS.lock().expect("nobody panics while telling");
        listeners.retain(|listener| listener.send(line.0.clone()).is_ok());
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string takes all");
    }
}
