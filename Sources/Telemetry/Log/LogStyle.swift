#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How a log line looks.
package enum LogStyle: Hashable, Sendable {
    /// One JSON object per line.
    case json
    /// Readable text.
    case text(colours: Bool)

    /// Readable text for a terminal, JSON for everything else. Colours unless `NO_COLOR` is set (https://no-color.org).
    package static func suited(to file: Int32) -> LogStyle {
        guard isatty(file) == 1 else { return .json }
        let noColour = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        return .text(colours: !noColour)
    }
}
