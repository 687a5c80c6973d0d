#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where log lines go: a file descriptor that one thread of its own writes to, so that a pipe nobody reads never holds
/// up an event loop. What does not fit into the bounded buffer meanwhile is dropped and counted, and a line tells of it
/// once there is room again.
package final class LogSink: Sendable {
    private struct State {
        var buffer: LogBuffer
        var isStarted = false
        var isClosed = false
    }

    package let style: LogStyle
    private let file: Int32
    private let state: Monitor<State>

    /// - Parameters:
    ///   - file: stays the caller's: it must be open as long as the sink lives, and is not closed by it.
    ///   - capacity: how many bytes may wait, those being written included.
    package init(file: Int32, style: LogStyle, capacity: Int = 1 << 20) {
        precondition(capacity > 0, "a sink holds at least a byte")
        self.file = file
        self.style = style
        self.state = Monitor(State(buffer: LogBuffer(capacity: capacity)))
    }

    deinit {
        state.update { $0.isClosed = true }
    }

    /// Takes one line, its line feed included. Never blocks on the file. The first line starts the thread.
    package func append(_ line: [UInt8]) {
        let mustStart = state.update { state in
            state.buffer.append(line)
            defer { state.isStarted = true }
            return !state.isStarted
        }
        // Without a thread lines are kept while they fit; the next one tries again.
        if mustStart, !start() { state.update { $0.isStarted = false } }
    }

    /// Lines lost since the start, for want of room or because the file could not be written.
    package var dropped: Int { state.read { $0.buffer.dropped } }

    /// Waits until everything is written, at most so long; false where that did not suffice.
    package func flush(atMostNanoseconds timeout: Int64 = 1_000_000_000) -> Bool {
        state.wait(atMostNanoseconds: timeout) { $0.buffer.isSettled }
    }

    private func start() -> Bool {
        let drain = Drain(file: file, style: style, state: state)
        let context = Unmanaged.passRetained(drain)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                // The pointer is the one retained above, handed over to this thread.
                if let context { Unmanaged<Drain>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}

extension LogSink {
    /// The thread's half. It holds the state but not the sink, so the sink's end can be seen.
    private final class Drain: Sendable {
        let file: Int32
        let style: LogStyle
        let state: Monitor<State>

        init(file: Int32, style: LogStyle, state: Monitor<State>) {
            self.file = file
            self.style = style
            self.state = state
        }

        func run() {
            // Signals are for the other threads, and a pipe without a reader shall be an error here, not a SIGPIPE.
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_SETMASK, &all, nil)
            while let batch = nextBatch() {
                let written = write(batch.bytes)
                state.update { $0.buffer.finish(batch, unwritten: batch.bytes[written...]) }
            }
        }

        /// Nil when the sink is gone and everything is written.
        private func nextBatch() -> LogBuffer.Batch? {
            state.waiting(until: { $0.buffer.isDue || $0.isClosed }) { state in
                state.buffer.isDue ? state.buffer.take(lossLine: lossLine) : nil
            }
        }

        private func lossLine(_ lost: Int) -> [UInt8] {
            LogLine(
                level: .warning, message: "log lines lost: written faster than read", fields: [.number("lost", lost)]
            )
            .encoded(style, at: .now)
        }

        /// How many bytes could be written before an error.
        private func write(_ bytes: [UInt8]) -> Int {
            bytes.withUnsafeBytes { bytes in
                var done = 0
                while done < bytes.count {
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
                    #if canImport(Glibc)
                        let count = Glibc.write(file, rest.baseAddress, rest.count)
                    #else
                        let count = Musl.write(file, rest.baseAddress, rest.count)
                    #endif
                    if count >= 0 {
                        done += count
                    } else if errno == EAGAIN {
                        // Somebody who shares the terminal has made it non-blocking.
                        var interest = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
                        poll(&interest, 1, -1)
                    } else if errno != EINTR {
                        break
                    }
                }
                return done
            }
        }
    }
}
