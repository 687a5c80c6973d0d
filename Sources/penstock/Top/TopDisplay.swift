import Admission

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Shows a proxy on the whole terminal, until somebody has seen enough. The terminal is left as it was found.
struct TopDisplay {
    let screen: Screen
    let source: StatusSource
    /// Between two looks.
    let pause: Interval

    private enum Event: Sendable {
        case terminal(TerminalEvent)
        case seen(Standing)
        case failed(String)
    }

    /// Begins with a picture that is there already. Returns the signal that ended it, `nil` where a person did.
    func show(_ first: TopFrame) async -> Int32? {
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        let sources = TerminalEvent.sources { continuation.yield(.terminal($0)) }
        let reader = Task { await read { continuation.yield($0) } }
        var keyboard = Keyboard()
        keyboard.take()
        screen.enter()
        defer {
            reader.cancel()
            screen.leave()
            keyboard.release()
            for source in sources { source.cancel() }
        }
        var frame = first
        draw(frame)
        for await event in events {
            switch event {
            case .seen(let standing): (frame.standing, frame.trouble) = (standing, nil)
            case .failed(let trouble): frame.trouble = trouble
            case .terminal(.resized): break
            case .terminal(.end(let signal)): return signal
            case .terminal(.suspend):
                screen.leave()
                keyboard.release()
                raise(SIGSTOP)
                keyboard.take()
                screen.enter()
            }
            draw(frame)
        }
        return nil
    }

    private func draw(_ frame: TopFrame) {
        let (columns, rows) = screen.size
        screen.fill(frame.lines(width: columns, height: rows))
    }

    private func read(_ tell: (Event) -> Void) async {
        var source = source
        while true {
            // Cancelled is what it is meant to be at the end.
            try? await Task.sleep(for: .nanoseconds(pause.nanoseconds))
            if Task.isCancelled { return }
            do {
                tell(.seen(try await source.read()))
            } catch {
                tell(.failed(error.description))
            }
        }
    }
}
