//! Asking a background thread, the flusher or the compactor, to work, and hearing when it is done.

use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::error::WriteError;

/// The answer to who asked.
pub(crate) type Done = Result<(), WriteError>;

/// Who is told that the work is done.
pub(crate) enum Asker {
    /// A task.
    Task(oneshot::Sender<Done>),
    /// A thread.
    Thread(SyncSender<Done>),
}

impl Asker {
    pub(crate) fn tell(self, flushed: Done) {
        // Whoever asked may have gone away.
        match self {
            Self::Task(asker) => drop(asker.send(flushed)),
            Self::Thread(asker) => drop(asker.send(flushed)),
        }
    }
}

/// What the thread is asked to do.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) askers: Vec<Asker>,
    pub(crate) stop: bool,
}

/// Requests to a thread.
#[derive(Default)]
pub(crate) struct Requests {
    content: Mutex<Content>,
    changed: Condvar,
}

#[derive(Default)]
struct Content {
    askers: Vec<Asker>,
    woken: bool,
    stopped: bool,
}

impl Requests {
    /// Makes the thread look whether there is something to do.
    pub(crate) fn wake(&self) {
        self.content.lock().woken = true;
        self.changed.notify_one();
    }

    /// Asks for the work; the asker hears nothing if the thread has stopped.
    pub(crate) fn ask(&self, asker: Asker) {
        let mut content = self.content.lock();
        if !content.stopped {
            content.askers.push(asker);
            self.changed.notify_one();
        }
    }

    /// Ends the thread after what was asked before.
    pub(crate) fn stop(&self) {
        self.content.lock().stopped = true;
        self.changed.notify_one();
    }

    /// Whether the thread is to end: long work asks now and then.
    pub(crate) fn is_stopped(&self) -> bool {
        self.content.lock().stopped
    }

    /// Says to whoever waits, or would ask, that nobody works any more.
    pub(crate) fn end(&self) {
        let mut content = self.content.lock();
        content.stopped = true;
        content.askers.clear();
    }

    /// Waits for a request, at most for a while.
    pub(crate) fn wait(&self, at_most: Duration) -> Asked {
        let mut content = self.content.lock();
        let until = Instant::now() + at_most;
        while content.askers.is_empty() && !content.woken && !content.stopped {
            if self.changed.wait_until(&mut content, until).timed_out() {
                break;
            }
        }
        content.woken = false;
        Asked { askers: std::mem::take(&mut content.askers), stop: content.stopped }
    }
}
