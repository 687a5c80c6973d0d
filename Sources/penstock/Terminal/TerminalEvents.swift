@preconcurrency import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What happens to a program that has the whole terminal: signals and keys.
enum TerminalEvent: Sendable {
    /// It is to end; `nil` where a person said so.
    case end(signal: Int32?)
    /// The terminal has another size.
    case resized
    /// The shell is to have the terminal for a while (Ctrl-Z).
    case suspend
}

extension TerminalEvent {
    private static let signals: [(Int32, TerminalEvent)] = [
        (SIGINT, .end(signal: nil)), (SIGTERM, .end(signal: SIGTERM)), (SIGHUP, .end(signal: SIGHUP)),
        (SIGWINCH, .resized), (SIGTSTP, .suspend),
    ]

    /// From now on these signals are events and do nothing by themselves; so are the keys `q` and Ctrl-D.
    ///
    /// - Parameter take: called on some thread.
    /// - Returns: what has to be kept for as long as they are wanted.
    static func sources(_ take: @escaping @Sendable (TerminalEvent) -> Void) -> [any DispatchSourceProtocol] {
        var sources: [any DispatchSourceProtocol] = signals.map { number, event in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { take(event) }
            return source
        }
        if isatty(STDIN_FILENO) == 1 {
            let keys = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: .global())
            keys.setEventHandler { if endsByKey() { take(.end(signal: nil)) } }
            sources.append(keys)
        }
        for source in sources { source.resume() }
        return sources
    }

    private static func endsByKey() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        return count == 0 || bytes.prefix(max(0, count)).contains { [0x71, 0x51, 4].contains($0) }
    }
}

/// Keys come one by one and are not shown, until it is released.
struct Keyboard {
    private var before = termios()
    private let isTerminal = isatty(STDIN_FILENO) == 1

    /// Signals stay what they are: Ctrl-C and Ctrl-Z send theirs.
    mutating func take() {
        guard isTerminal, tcgetattr(STDIN_FILENO, &before) == 0 else { return }
        var now = before
        now.c_lflag &= ~UInt32(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &now)
    }

    mutating func release() {
        guard isTerminal else { return }
        tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }
}
