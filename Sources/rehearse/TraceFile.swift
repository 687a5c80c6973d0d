import Admission
import ArgumentParser
import Rehearsal

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file of recorded traffic, named on the command line.
enum TraceFile {
    static func trace(_ path: String) throws -> Trace {
        do {
            return try Trace(text(path))
        } catch let mistake as Trace.Unreadable {
            throw ValidationError("\(path):\(mistake.line): not a line of a trace")
        }
    }

    static func sizes(_ path: String) throws -> [Tokens] {
        try trace(path).entries.map(\.tokens)
    }

    private static func text(_ path: String) throws -> String {
        guard let file = fopen(path, "r") else { throw ValidationError("\(path) can't be read") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&part, 1, part.count, file)
            guard count > 0 else { break }
            // Carriage returns say nothing here, and with a line feed they are one character to Swift.
            bytes += part.prefix(count).lazy.filter { $0 != UInt8(ascii: "\r") }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
