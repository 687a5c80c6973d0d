/// The head and body that an input for a reader of messages stands for: a first line, `name: value` lines, an empty
/// line, and the rest as it is.
struct Message {
    var start: String
    var fields: [(name: String, value: String)] = []
    var body: [UInt8]

    init(_ bytes: [UInt8]) {
        var rest = bytes[...]
        start = Self.line(&rest)
        while true {
            let line = Self.line(&rest)
            if line.isEmpty { break }
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? parts[1].drop { $0 == " " } : ""
            fields.append((String(parts[0]), String(value)))
        }
        body = Array(rest)
    }

    private static func line(_ rest: inout ArraySlice<UInt8>) -> String {
        let line = rest.prefix { $0 != 0x0A }
        rest = rest.dropFirst(line.count + 1)
        return String(decoding: line, as: UTF8.self)
    }
}
