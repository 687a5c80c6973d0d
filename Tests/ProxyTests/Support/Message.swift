/// An HTTP/1.1 message as a test reads it off the wire: strict about framing, without interpretation.
struct Message: Sendable {
    var startLine: String
    var fields: [Field]
    var body: [UInt8] = []
    var trailers: [Field] = []

    struct Field: Sendable, Equatable {
        var name: String
        var value: String
    }

    var status: Int { Int(startLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    var text: String { String(decoding: body, as: UTF8.self) }

    func all(_ name: String) -> [String] {
        fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    subscript(name: String) -> String? { all(name).first }

    /// A message at the front of some bytes and how many of them it takes; `nil` where it is not whole.
    ///
    /// - Parameters:
    ///   - isHeadOnly: for answers to HEAD.
    ///   - isEnded: no more bytes come, which ends an answer without a length.
    static func parse(_ bytes: [UInt8], isHeadOnly: Bool, isEnded: Bool) throws -> (Message, Int)? {
        var reader = Reader(bytes: bytes)
        guard let start = reader.line(), let fields = try reader.fields() else { return nil }
        var message = Message(startLine: start, fields: fields)
        let isAnswer = start.hasPrefix("HTTP/")
        if isHeadOnly || isAnswer && (message.status < 200 || [204, 304].contains(message.status)) {
            return (message, reader.place)
        }
        if message["transfer-encoding"] != nil {
            guard try reader.chunks(into: &message) else { return nil }
        } else if let length = message["content-length"].flatMap({ Int($0) }) {
            guard let body = reader.take(length) else { return nil }
            message.body = body
        } else if isAnswer {
            guard isEnded, let rest = reader.take(bytes.count - reader.place) else { return nil }
            message.body = rest
        }
        return (message, reader.place)
    }

    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        mutating func line() -> String? {
            var end = place
            while end + 1 < bytes.count {
                if bytes[end] == 13, bytes[end + 1] == 10 {
                    defer { place = end + 2 }
                    return String(decoding: bytes[place..<end], as: UTF8.self)
                }
                end += 1
            }
            return nil
        }

        mutating func fields() throws -> [Field]? {
            var fields: [Field] = []
            while let line = line() {
                if line.isEmpty { return fields }
                guard let colon = line.firstIndex(of: ":") else { throw Malformed(description: "field \(line)") }
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                fields.append(Field(name: String(line[..<colon]), value: String(value)))
            }
            return nil
        }

        mutating func take(_ count: Int) -> [UInt8]? {
            guard bytes.count - place >= count else { return nil }
            defer { place += count }
            return Array(bytes[place..<place + count])
        }

        mutating func chunks(into message: inout Message) throws -> Bool {
            while let size = line() {
                guard let count = Int(size.prefix { $0 != ";" }, radix: 16) else {
                    throw Malformed(description: "chunk \(size)")
                }
                if count == 0 {
                    guard let trailers = try fields() else { return false }
                    message.trailers = trailers
                    return true
                }
                guard let chunk = take(count + 2) else { return false }
                message.body += chunk.dropLast(2)
            }
            return false
        }
    }
}
