import Admission

/// Requests as they were recorded: when each came and how many tokens it and its answer had.
///
/// The form of the public traces of Azure's language model services (Patel et al.: Splitwise, ISCA 2024):
/// `TIMESTAMP,ContextTokens,GeneratedTokens` with times like `2023-11-16 18:17:03.9799600`, all of one or two days.
package struct Trace: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        /// Since the first one.
        package let at: Interval
        package let tokens: Tokens
    }

    package let entries: [Entry]

    package init(entries: [Entry]) { self.entries = entries }

    /// A mistake in a trace's text.
    package struct Unreadable: Error, Hashable {
        /// Counted from one.
        package let line: Int

        package init(line: Int) { self.line = line }
    }

    /// Reads the text of a trace; a first line that begins with a letter is its heading.
    package init(_ text: String) throws(Unreadable) {
        var entries: [Entry] = []
        var first: Int64?
        var latest: Int64 = 0
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where index + 1 < lines.count || !line.isEmpty {
            let line = line.last == "\r" ? line.dropLast() : line
            if index == 0, let start = line.utf8.first, start >= UInt8(ascii: "A") { continue }
            guard let (read, tokens) = Self.entry(line) else { throw Unreadable(line: index + 1) }
            // A trace goes over midnight at most once and is in order.
            let time = read < latest - Self.halfDay ? read + 2 * Self.halfDay : read
            guard time >= latest else { throw Unreadable(line: index + 1) }
            latest = time
            entries.append(Entry(at: Interval(nanoseconds: time - (first ?? time)), tokens: tokens))
            first = first ?? time
        }
        self.entries = entries
    }

    private static let halfDay = Interval.hours(12).nanoseconds

    private static func entry(_ line: Substring) -> (time: Int64, tokens: Tokens)? {
        let fields = line.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count == 3, let time = timeOfDay(fields[0]), let input = Int(fields[1]),
            let output = Int(fields[2]), input >= 0, output >= 0
        else { return nil }
        return (time, Tokens(input: input, output: output))
    }

    /// Nanoseconds since midnight. The day itself does not matter.
    private static func timeOfDay(_ text: Substring) -> Int64? {
        let clock = text.split(separator: " ").last ?? ""
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let hours = Int64(parts[0]), let minutes = Int64(parts[1]) else { return nil }
        let seconds = parts[2].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = seconds.count == 2 ? seconds[1].prefix(9) : "0"
        guard let whole = Int64(seconds[0]), var nanoseconds = Int64(fraction), nanoseconds >= 0,
            (0..<24).contains(hours), (0..<60).contains(minutes), (0..<61).contains(whole)
        else { return nil }
        for _ in fraction.count..<9 { nanoseconds *= 10 }
        return ((hours * 60 + minutes) * 60 + whole) * 1_000_000_000 + nanoseconds
    }
}
