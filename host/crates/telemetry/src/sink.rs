//! The thread that owns an output. Whoever logs hands bytes over and goes on; when the output is stuck, lines are
//! dropped and counted, and memory stays bounded.

use std::{
    io::Write,
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

/// Most bytes that wait for the output. A chunk that does not fit is dropped.
const MOST_PENDING: usize = 4 << 20;

/// How long a line may wait in the buffer of a [`Source`].
const DELAY: Duration = Duration::from_millis(40);

/// How long the end of a sink waits for a slow output.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Something that keeps lines of its own and is emptied by the sink's thread.
pub(crate) trait Source: Send + Sync {
    /// Moves all lines to `chunk`.
    fn drain(&self, chunk: &mut Vec<u8>);
}

/// An output with the thread that writes to it.
pub struct Sink {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// The thread waits here for work.
    work: Condvar,
    /// [`Sink::flush`] waits here for the thread.
    written: Condvar,
}

#[derive(Default)]
struct Queue {
    pending: Vec<u8>,
    /// When the thread shall write next.
    due: Option<Instant>,
    sources: Vec<Weak<dyn Source>>,
    /// Lines dropped since the output was stuck, and all of them.
    unreported: u64,
    dropped: u64,
    /// Numbers of rounds that were asked for and that are done.
    asked: u64,
    done: u64,
    closed: bool,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sink")
    }
}

impl Sink {
    /// A sink that writes to `output` on a thread of its own.
    #[must_use]
    pub fn new(output: Box<dyn Write + Send>) -> Arc<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            work: Condvar::new(),
            written: Condvar::new(),
        });
        let of_thread = shared.clone();
        let spawned = std::thread::Builder::new()
            .name("log".into())
            .spawn(move || of_thread.write_until_closed(output));
        if spawned.is_err() {
            // A process that cannot have threads has worse problems; its lines are dropped.
            shared.lock().closed = true;
        }
        Arc::new(Self { shared })
    }

    /// Hands over whole lines, to be written at once.
    pub fn push(&self, chunk: &[u8], lines: u64) {
        let mut queue = self.shared.lock();
        if queue.closed || queue.pending.len() + chunk.len() > MOST_PENDING {
            queue.unreported += lines;
            queue.dropped += lines;
            return;
        }
        queue.pending.extend_from_slice(chunk);
        queue.due = Some(Instant::now());
        self.shared.work.notify_one();
    }

    /// Waits until everything handed over so far is written. False if that takes longer than `limit`.
    pub fn flush(&self, limit: Duration) -> bool {
        let mut queue = self.shared.lock();
        if queue.closed {
            return queue.pending.is_empty();
        }
        queue.asked += 1;
        let mine = queue.asked;
        queue.due = Some(Instant::now());
        self.shared.work.notify_one();
        let (_queue, waited) = self
            .shared
            .written
            .wait_timeout_while(queue, limit, |queue| queue.done < mine)
            .unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }

    /// How many lines were dropped because the output did not keep up.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.lock().dropped
    }

    /// Adds a source that is emptied with each round.
    pub(crate) fn add_source(&self, source: Weak<dyn Source>) {
        let mut queue = self.shared.lock();
        queue.sources.retain(|source| source.strong_count() > 0);
        queue.sources.push(source);
    }

    /// Says that a source has its first line since it was emptied: it is emptied within [`DELAY`].
    pub(crate) fn soon(&self) {
        let mut queue = self.shared.lock();
        if queue.due.is_none() {
            queue.due = Some(Instant::now() + DELAY);
            self.shared.work.notify_one();
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.flush(LAST_WAIT);
        self.shared.lock().closed = true;
        self.shared.work.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Queues are never left half changed: a panic elsewhere under the lock does not matter.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next round. `None` when the sink is closed.
    fn wait(&self) -> Option<MutexGuard<'_, Queue>> {
        let mut queue = self.lock();
        loop {
            let now = Instant::now();
            queue = match queue.due {
                Some(due) if due <= now => return Some(queue),
                _ if queue.closed => return None,
                Some(due) => {
                    self.work
                        .wait_timeout(queue, due - now)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self.work.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn write_until_closed(&self, mut output: Box<dyn Write + Send>) {
        // Two buffers change places, so that a warm sink allocates nothing.
        let mut chunk = Vec::new();
        let mut sources: Vec<Weak<dyn Source>> = Vec::new();
        while let Some(mut queue) = self.wait() {
            queue.due = None;
            let round = queue.asked;
            std::mem::swap(&mut queue.pending, &mut chunk);
            sources.clone_from(&queue.sources);
            let dropped = std::mem::take(&mut queue.unreported);
            drop(queue);
            for source in &sources {
                if let Some(source) = source.upgrade() {
                    source.drain(&mut chunk);
                }
            }
            // Nobody is left to tell when the output is gone; the gateway goes on without a log.
            let _ = output.write_all(&chunk).and_then(|()| output.flush());
            chunk.clear();
            chunk.shrink_to(MOST_PENDING / 4);
            if dropped > 0 {
                tracing::warn!(dropped, "log lines were dropped: the output did not keep up");
            }
            self.lock().done = round;
            self.written.notify_all();
        }
    }
}

/// The sink of the standard output, shared by all logs of the process.
pub fn stdout() -> &'static Arc<Sink> {
    static STDOUT: LazyLock<Arc<Sink>> = LazyLock::new(|| Sink::new(Box::new(std::io::stdout())));
    &STDOUT
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::mpsc;

    use super::*;

    /// An output that keeps what it gets.
    #[derive(Clone, Default)]
    pub(crate) struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Memory {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// An output that is stuck until the test lets it go.
    struct Stuck {
        entered: mpsc::Sender<()>,
        go: mpsc::Receiver<()>,
        memory: Memory,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.entered.send(());
            let _ = self.go.recv();
            self.memory.write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_keep_their_order() {
        let memory = Memory::default();
        let sink = Sink::new(Box::new(memory.clone()));
        for number in 0..100 {
            sink.push(format!("{number}\n").as_bytes(), 1);
        }
        assert!(sink.flush(Duration::from_secs(10)));
        let expected: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert_eq!(memory.text(), expected);
    }

    #[test]
    fn the_end_of_a_sink_writes_what_is_left() {
        let memory = Memory::default();
        let sink = Sink::new(Box::new(memory.clone()));
        sink.push(b"last\n", 1);
        drop(sink);
        assert_eq!(memory.text(), "last\n");
    }

    #[test]
    fn a_stuck_output_costs_lines_but_no_memory_and_no_time() {
        let (entered, has_entered) = mpsc::channel();
        let (go, wait) = mpsc::channel();
        let memory = Memory::default();
        let sink = Sink::new(Box::new(Stuck { entered, go: wait, memory: memory.clone() }));
        sink.push(b"first\n", 1);
        has_entered.recv().unwrap();
        let chunk = vec![b'x'; MOST_PENDING / 4];
        for _ in 0..6 {
            sink.push(&chunk, 10);
        }
        assert_eq!(sink.dropped(), 20);
        assert!(!sink.flush(Duration::from_millis(1)));
        drop(go);
        assert!(sink.flush(Duration::from_secs(10)));
        assert_eq!(memory.text().len(), "first\n".len() + 4 * chunk.len());
    }
}
