#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Both ends of a pipe, for sinks to write to.
final class Pipe: Sendable {
    let reading: Int32
    let writing: Int32

    struct NotMade: Error {}

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw NotMade() }
        reading = ends[0]
        writing = ends[1]
    }

    deinit {
        close(reading)
        close(writing)
    }

    /// Reads until so many bytes are there.
    func read(atLeast wanted: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < wanted {
            #if canImport(Glibc)
                let count = Glibc.read(reading, &chunk, chunk.count)
            #else
                let count = Musl.read(reading, &chunk, chunk.count)
            #endif
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// Reads line by line until one holds the text, and gives all read so far.
    func read(until text: String) -> String {
        var bytes: [UInt8] = []
        while true {
            let more = read(atLeast: 1)
            bytes += more
            let all = String(decoding: bytes, as: UTF8.self)
            if more.isEmpty || all.contains(text) && all.hasSuffix("\n") { return all }
        }
    }
}
