import Logging

/// One line of the log before it is text.
struct LogLine {
    /// A key with its value, in the order in which they are written.
    enum Field {
        case text(String, String)
        case number(String, Int)
        case metadata(String, Logger.MetadataValue)
    }

    /// Longest text of a value, in bytes: one line stays readable, and no peer can fill the buffer with one header.
    static let longestValue = 4_096
    /// Deeper metadata is cut, which also ends what refers to itself.
    private static let deepest = 8

    var level: Logger.Level
    var message: String
    var fields: [Field] = []

    func encoded(_ style: LogStyle, at time: WallTime) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        switch style {
        case .json: appendJSON(to: &bytes, time)
        case .text(let colours): appendText(to: &bytes, time, colours)
        }
        bytes.append(0x0A)
        return bytes
    }

    private func appendJSON(to bytes: inout [UInt8], _ time: WallTime) {
        bytes.append(contentsOf: "{\"time\":\"".utf8)
        time.append(to: &bytes)
        bytes.append(contentsOf: "\",\"level\":\"".utf8)
        bytes.append(contentsOf: level.rawValue.utf8)
        bytes.append(contentsOf: "\",\"message\":".utf8)
        bytes.appendJSON(message, longest: LogLine.longestValue)
        for field in fields {
            bytes.append(UInt8(ascii: ","))
            switch field {
            case .text(let key, let value):
                LogLine.appendKey(key, to: &bytes)
                bytes.appendJSON(value, longest: LogLine.longestValue)
            case .number(let key, let value):
                LogLine.appendKey(key, to: &bytes)
                bytes.append(decimal: value)
            case .metadata(let key, let value):
                LogLine.appendKey(key, to: &bytes)
                LogLine.append(value, to: &bytes, depth: 0)
            }
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private static func appendKey(_ key: String, to bytes: inout [UInt8]) {
        bytes.appendJSON(key, longest: 128)
        bytes.append(UInt8(ascii: ":"))
    }

    /// JSON of a metadata value; keys in order, so that equal values give equal lines.
    private static func append(_ value: Logger.MetadataValue, to bytes: inout [UInt8], depth: Int) {
        switch value {
        case .string(let text): bytes.appendJSON(text, longest: longestValue)
        case .stringConvertible(let value) where value is any FixedWidthInteger || value is Bool:
            bytes.append(contentsOf: "\(value)".utf8)
        case .stringConvertible(let value): bytes.appendJSON("\(value)", longest: longestValue)
        case .array where depth == deepest, .dictionary where depth == deepest: bytes.appendJSON("…")
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (place, element) in elements.enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                append(element, to: &bytes, depth: depth + 1)
            }
            bytes.append(UInt8(ascii: "]"))
        case .dictionary(let members):
            bytes.append(UInt8(ascii: "{"))
            for (place, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                appendKey(member.key, to: &bytes)
                append(member.value, to: &bytes, depth: depth + 1)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private func appendText(to bytes: inout [UInt8], _ time: WallTime, _ colours: Bool) {
        time.append(to: &bytes)
        bytes.append(UInt8(ascii: " "))
        let name = level.rawValue.uppercased()
        if colours { bytes.append(contentsOf: level.colour.utf8) }
        bytes.append(contentsOf: name.utf8)
        if colours { bytes.append(contentsOf: "\u{1B}[0m".utf8) }
        bytes.append(contentsOf: repeatElement(0x20, count: max(9 - name.utf8.count, 1)))
        bytes.appendPlain(message, longest: LogLine.longestValue)
        for field in fields {
            bytes.append(UInt8(ascii: " "))
            switch field {
            case .text(let key, let value):
                bytes.appendValue(key, longest: 128)
                bytes.append(UInt8(ascii: "="))
                bytes.appendValue(value, longest: LogLine.longestValue)
            case .number(let key, let value):
                bytes.appendValue(key, longest: 128)
                bytes.append(UInt8(ascii: "="))
                bytes.append(decimal: value)
            case .metadata(let key, let value):
                bytes.appendValue(key, longest: 128)
                bytes.append(UInt8(ascii: "="))
                LogLine.appendText(value, to: &bytes)
            }
        }
    }

    /// A plain value as it is, a nested one as JSON.
    private static func appendText(_ value: Logger.MetadataValue, to bytes: inout [UInt8]) {
        switch value {
        case .string(let text): bytes.appendValue(text, longest: longestValue)
        case .stringConvertible(let value): bytes.appendValue("\(value)", longest: longestValue)
        case .array, .dictionary: append(value, to: &bytes, depth: 0)
        }
    }
}

extension Logger.Level {
    /// The terminal's command (ECMA-48 §8.3.117) for the colour of a level.
    fileprivate var colour: String {
        switch self {
        case .trace, .debug: "\u{1B}[2m"
        case .info, .notice: "\u{1B}[32m"
        case .warning: "\u{1B}[33m"
        case .error, .critical: "\u{1B}[31m"
        }
    }
}
