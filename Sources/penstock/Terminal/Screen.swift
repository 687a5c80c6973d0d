#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Standard output: a picture redrawn in place on a terminal, plain lines on anything else.
struct Screen: Sendable {
    let isTerminal: Bool
    let hasColours: Bool
    private let file: Int32
    /// Lines of the picture that the cursor stands below.
    private var drawn = 0

    init(file: Int32 = 1) {
        self.file = file
        let term = Environment.value("TERM") ?? ""
        isTerminal = isatty(file) == 1 && !term.isEmpty && term != "dumb"
        // https://no-color.org: whatever its value, if it is not empty.
        hasColours = isTerminal && (Environment.value("NO_COLOR") ?? "").isEmpty
    }

    /// Columns and rows; what a terminal has that does not say.
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard isTerminal, ioctl(file, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Draws a picture over the one before. The cursor is hidden until ``release()``.
    mutating func draw(_ lines: [StyledLine]) {
        let (columns, rows) = size
        // What has scrolled off can't be drawn over. A line as wide as the terminal would wrap on some.
        let lines = lines.suffix(rows - 1)
        var text = "\u{1B}[?25l"
        if drawn > 0 { text += "\u{1B}[\(drawn)A\r" }
        for line in lines { text += line.text(width: columns - 1, colours: hasColours) + "\u{1B}[K\n" }
        text += "\u{1B}[J"
        drawn = lines.count
        write(text)
    }

    /// Takes the whole terminal; what was on it comes back with ``leave()`` (xterm's alternate screen).
    func enter() {
        write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J")
    }

    /// Draws over the whole terminal, in one write, so that nothing flickers.
    func fill(_ lines: [StyledLine]) {
        let (columns, rows) = size
        let texts = lines.prefix(rows).map { $0.text(width: columns, colours: hasColours) }
        // The cursor must not go below the last row, where the terminal would scroll.
        write("\u{1B}[H" + texts.joined(separator: "\u{1B}[K\n") + "\u{1B}[K\u{1B}[J")
    }

    func leave() {
        write("\u{1B}[?25h\u{1B}[?1049l")
    }

    /// Leaves the picture where it is and shows the cursor again.
    mutating func release() {
        guard isTerminal else { return }
        drawn = 0
        write("\u{1B}[?25h")
    }

    func show(_ lines: [StyledLine]) {
        write(lines.map { $0.text(colours: hasColours) + "\n" }.joined())
    }

    func show(_ lines: [String]) {
        write(lines.map { $0 + "\n" }.joined())
    }

    /// Whoever no longer reads misses the rest, which is no reason to end.
    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { systemWrite(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            sent += count
        }
    }
}

/// Named apart from ``Screen``'s own method.
private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, bytes, count)
}
