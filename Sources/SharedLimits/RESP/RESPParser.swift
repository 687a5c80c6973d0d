/// Reads replies from bytes that come in any pieces.
///
/// What a peer says is bounded: in bytes, in members and in depth. Beyond a bound, and after anything that is not RESP,
/// nothing more can be read.
package struct RESPParser: Sendable {
    /// Of one reply with all that is in it.
    package static let mostBytes = 1 << 20
    package static let mostMembers = 1 << 16
    package static let mostDepth = 8

    package enum Failure: Error, Hashable, Sendable {
        case notRESP
        case tooLarge
        case tooDeep
    }

    private var bytes: [UInt8] = []
    /// Where the next reply begins, and how far it has been looked at in vain.
    private var start = 0
    private var scanned = 0
    private var failure: Failure?

    package init() {}

    package mutating func append(_ more: some Sequence<UInt8>) {
        guard failure == nil else { return }
        if start > 0, start == bytes.count || start > 1 << 14 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next whole reply; `nil` where more bytes are needed.
    package mutating func next() throws(Failure) -> RESPValue? {
        if let failure { throw failure }
        guard bytes.count > max(start, scanned) else { return nil }
        var reading = Reading(bytes: bytes, place: start, members: 0)
        do throws(Failure) {
            guard let value = try reading.value(depth: 0) else {
                // Half a reply is looked at again only when there is more of it.
                scanned = bytes.count
                if bytes.count - start > Self.mostBytes { throw Failure.tooLarge }
                return nil
            }
            (start, scanned) = (reading.place, 0)
            return value
        } catch {
            failure = error
            bytes = []
            throw error
        }
    }
}

/// One pass over the bytes of a reply.
private struct Reading {
    let bytes: [UInt8]
    var place: Int
    var members: Int

    /// `nil` where the bytes end before the value does.
    mutating func value(depth: Int) throws(RESPParser.Failure) -> RESPValue? {
        guard depth <= RESPParser.mostDepth else { throw .tooDeep }
        guard let line = try line(), let kind = line.first else { return nil }
        let rest = line.dropFirst()
        switch kind {
        case UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: "("): return .string(Array(rest))
        case UInt8(ascii: "-"): return .error(String(decoding: rest, as: UTF8.self))
        case UInt8(ascii: ":"): return .integer(try number(rest))
        case UInt8(ascii: "_"):
            guard rest.isEmpty else { throw .notRESP }
            return .null
        case UInt8(ascii: "#"): return .boolean(try boolean(rest))
        case UInt8(ascii: "$"), UInt8(ascii: "="): return try text(length: number(rest)) { .string($0) }
        case UInt8(ascii: "!"):
            return try text(length: number(rest)) { .error(String(decoding: $0, as: UTF8.self)) }
        case UInt8(ascii: "*"), UInt8(ascii: "~"): return try all(number(rest), depth) { .array($0) }
        case UInt8(ascii: ">"): return try all(number(rest), depth) { .push($0) }
        case UInt8(ascii: "%"): return try all(pairs(rest), depth) { .map($0) }
        case UInt8(ascii: "|"):
            // An attribute says something about the value that follows it.
            guard try all(pairs(rest), depth, { .map($0) }) != nil else { return nil }
            return try value(depth: depth + 1)
        default: throw .notRESP
        }
    }

    /// Up to the next line end, which is passed.
    private mutating func line() throws(RESPParser.Failure) -> ArraySlice<UInt8>? {
        let end = bytes[place...].prefix(RESPParser.mostBytes).firstIndex(of: UInt8(ascii: "\r"))
        guard let end else {
            if bytes.count - place > RESPParser.mostBytes { throw .tooLarge }
            return nil
        }
        guard end + 1 < bytes.count else { return nil }
        guard bytes[end + 1] == UInt8(ascii: "\n"), end > place else { throw .notRESP }
        defer { place = end + 2 }
        return bytes[place..<end]
    }

    private func number(_ digits: ArraySlice<UInt8>) throws(RESPParser.Failure) -> Int64 {
        guard let number = Int64(String(decoding: digits, as: UTF8.self)) else { throw .notRESP }
        return number
    }

    private func pairs(_ digits: ArraySlice<UInt8>) throws(RESPParser.Failure) -> Int64 {
        let (members, overflow) = try number(digits).multipliedReportingOverflow(by: 2)
        if overflow { throw .tooLarge }
        return members
    }

    private func boolean(_ letters: ArraySlice<UInt8>) throws(RESPParser.Failure) -> Bool {
        guard letters.count == 1, let letter = letters.first else { throw .notRESP }
        switch letter {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: throw .notRESP
        }
    }

    /// RESP2 says null with a length of -1.
    private mutating func text(
        length: Int64, _ make: ([UInt8]) -> RESPValue
    ) throws(RESPParser.Failure) -> RESPValue? {
        if length == -1 { return .null }
        guard length >= 0 else { throw .notRESP }
        guard length <= RESPParser.mostBytes else { throw .tooLarge }
        let end = place + Int(length)
        guard end + 2 <= bytes.count else { return nil }
        guard bytes[end] == UInt8(ascii: "\r"), bytes[end + 1] == UInt8(ascii: "\n") else { throw .notRESP }
        defer { place = end + 2 }
        return make(Array(bytes[place..<end]))
    }

    private mutating func all(
        _ count: Int64, _ depth: Int, _ make: ([RESPValue]) -> RESPValue
    ) throws(RESPParser.Failure) -> RESPValue? {
        if count == -1 { return .null }
        guard count >= 0 else { throw .notRESP }
        guard count <= RESPParser.mostMembers - members else { throw .tooLarge }
        members += Int(count)
        var values: [RESPValue] = []
        for _ in 0..<count {
            guard let value = try value(depth: depth + 1) else { return nil }
            values.append(value)
        }
        return make(values)
    }
}
