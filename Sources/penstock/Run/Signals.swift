@preconcurrency import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The signals that concern the process, as a stream.
enum Signals {
    enum Ending: String, Sendable {
        case terminate = "SIGTERM"
        case interrupt = "SIGINT"
    }

    /// From now on these signals are elements and end nothing by themselves. A broken pipe is an error of the write,
    /// and SIGHUP is ignored unless somebody asks for ``hangups()``.
    static func endings() -> AsyncStream<Ending> {
        signal(SIGPIPE, SIG_IGN)
        let (endings, continuation) = AsyncStream.makeStream(of: Ending.self)
        let sources = [(SIGTERM, Ending.terminate), (SIGINT, .interrupt)].map { number, ending in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(ending) }
            source.resume()
            return source
        }
        // Not the end, which is what it would be by default: shells send it when they go.
        signal(SIGHUP, SIG_IGN)
        continuation.onTermination = { _ in for source in sources { source.cancel() } }
        return endings
    }

    /// One element for each SIGHUP from now on; several that come before somebody looks are one.
    static func hangups() -> AsyncStream<Void> {
        let (hangups, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        signal(SIGHUP, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        source.setEventHandler { continuation.yield() }
        source.resume()
        continuation.onTermination = { _ in source.cancel() }
        return hangups
    }
}
