import Admission
import Foundation

@testable import Providers

extension Property {
    /// The lines of a stream are told alike in any pieces, and the filter takes out exactly the events that only tell
    /// usage: whole, and nothing else.
    static let eventStream = Property("event-stream") { bytes in
        let events = SlowEvent.all(in: bytes)
        let told = try Pieces.agreed(on: bytes, eventData)
        try requireEqual(told, events.filter(\.isWhole).map { trimmed($0.data) }, "the data of the events")
        let passed = try Pieces.agreed(on: bytes, filtered)
        var rest = passed[...]
        var place = 0
        for event in events {
            try take(bytes[place..<event.range.lowerBound], from: &rest)
            place = event.range.upperBound
            let onlyTellsUsage = tellsOnlyUsage(event)
            let mayPass = onlyTellsUsage != true || event.range.count > UsageChunkFilter.maxHeld
            if mayPass, rest.starts(with: bytes[event.range]) {
                rest = rest.dropFirst(event.range.count)
            } else {
                try require(onlyTellsUsage != false, "bytes \(event.range) were dropped")
            }
        }
        try take(bytes[place...], from: &rest)
        try require(rest.isEmpty, "\(rest.count) bytes too many")
    }

    private static func take(_ bytes: ArraySlice<UInt8>, from rest: inout ArraySlice<UInt8>) throws(Violation) {
        try require(rest.starts(with: bytes), "bytes \(bytes.indices) are missing")
        rest = rest.dropFirst(bytes.count)
    }

    /// Nothing where it is not defined: for what is no JSON, or has one of the members twice.
    private static func tellsOnlyUsage(_ event: SlowEvent) -> Bool? {
        guard let json = SlowJSON(event.data) else { return nil }
        guard case .object(let members) = json else { return false }
        let choices = members.filter { $0.name == Array("choices".utf8) }
        let usage = members.filter { $0.name == Array("usage".utf8) }
        if choices.count > 1 || usage.count > 1 { return nil }
        guard choices.first?.value == .array([]), case .object? = usage.first?.value else { return false }
        return true
    }

    private static func eventData(_ pieces: [ArraySlice<UInt8>]) throws -> [[UInt8]] {
        var lines = EventLines()
        var events: [[UInt8]] = []
        var data: [UInt8] = []
        for piece in pieces {
            let bytes = Array(piece)
            var index = 0
            var last = 0
            while let part = lines.next(bytes.span, &index) {
                try require(last < index && index <= bytes.count, "the lines went from \(last) to \(index)")
                last = index
                switch part {
                case .data(let range): data += bytes[range]
                // A line break between lines of data can't be told from one behind another field.
                case .lineEnd: data.append(0x0A)
                case .eventEnd:
                    events.append(data)
                    data = []
                case .comment, .lineFeed, .other: break
                }
            }
        }
        return events.map(trimmed)
    }

    private static func filtered(_ pieces: [ArraySlice<UInt8>]) throws -> [UInt8] {
        var filter = UsageChunkFilter()
        var passed: [UInt8] = []
        for piece in pieces {
            let bytes = Array(piece)
            switch filter.read(bytes.span) {
            case .all: passed += bytes
            case .parts(let held, let ranges):
                try require(held.count <= UsageChunkFilter.maxHeld, "\(held.count) bytes were held")
                passed += held
                for range in ranges { passed += bytes[range] }
            }
        }
        return passed + filter.finish()
    }

    /// Frames are parted alike in any pieces, and a payload lies where the lengths of its frame say.
    static let eventFrames = Property("event-frames") { bytes in
        let told = try Pieces.agreed(on: bytes, payloads)
        var place = 0
        var index = 0
        while place + 12 <= bytes.count, index < told.count {
            let length = number(bytes[place..<place + 4])
            let headers = number(bytes[place + 4..<place + 8])
            let payload = bytes[min(place + 12 + headers, bytes.count)...].prefix(max(0, length - headers - 16))
            try requireEqual(told[index], Array(payload), "the payload of the frame at \(place)")
            place += length
            index += 1
        }
        try requireEqual(told.count, index, "the number of frames")
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }

    private static func payloads(_ pieces: [ArraySlice<UInt8>]) throws -> [[UInt8]] {
        var frames = EventFrames()
        var payloads: [[UInt8]] = []
        var payload: [UInt8] = []
        for piece in pieces {
            let bytes = Array(piece)
            var index = 0
            while let part = frames.next(bytes.span, &index) {
                switch part {
                case .payload(let range):
                    try require(!range.isEmpty && range.upperBound <= bytes.count, "\(range) is no payload")
                    payload += bytes[range]
                case .frameEnd:
                    payloads.append(payload)
                    payload = []
                }
            }
            try requireEqual(index, bytes.count, "the end of a piece")
        }
        return payloads
    }

    /// What an answer reports is the same in any pieces, and the same JSON texts report the same in lines, in events
    /// and in frames.
    static let usageMeter = Property("usage-meter") { bytes in
        for framing in [AnswerFraming.document, .lines, .events, .frames] {
            let reading = try Pieces.agreed(on: bytes) { Reading($0, framing) }
            try require((0...bytes.count).contains(reading.estimatedOutput), "\(reading) of \(bytes.count) bytes")
            try require(reading.output >= 0 && (reading.usage?.input ?? 0) >= 0, "\(reading)")
            try require(!reading.isFinal || reading.usage != nil, "final without usage")
        }
        let texts = bytes.split(separator: 0x0A)
        guard texts.allSatisfy({ !$0.contains(0x0D) && SlowJSON(Array($0)) != nil }) else { return }
        let lines = Reading([Array(texts.joined(separator: [0x0A]))[...]], .lines)
        let events = texts.map { Array("data: ".utf8) + $0 + [0x0A, 0x0A] }
        try requireEqual(Reading(events.map { $0[...] }, .events), lines, "events and lines")
        let wrapped = texts.enumerated().map { frame(payload: envelope($1), headers: $0 % 5) }
        try requireEqual(Reading(wrapped.map { $0[...] }, .frames), lines, "wrapped frames and lines")
        if !texts.contains(where: looksWrapped) {
            let frames = texts.enumerated().map { frame(payload: Array($1), headers: $0 % 5) }
            try requireEqual(Reading(frames.map { $0[...] }, .frames), lines, "frames and lines")
        }
        if texts.count == 1, let usage = lines.usage {
            try requireEqual(Reading([texts[0]], .document).usage, usage, "a document and a line")
        }
    }

    private static func envelope(_ text: ArraySlice<UInt8>) -> [UInt8] {
        let digits = Data(text).base64EncodedString().replacing("/", with: #"\/"#)
        return Array(#"{"bytes":"\#(digits)","p":"abcd"}"#.utf8)
    }

    /// Whether a frame of this text is taken for an envelope.
    private static func looksWrapped(_ text: ArraySlice<UInt8>) -> Bool {
        SlowJSON(Array(text))?.scalars(at: [["bytes"]]).contains { $0.isText } == true
    }

    private struct Reading: Equatable {
        var usage: Tokens?
        var isFinal: Bool
        var estimatedOutput: Int
        var output: Int

        init(_ pieces: [ArraySlice<UInt8>], _ framing: AnswerFraming) {
            var meter = UsageMeter(framing)
            for piece in pieces { meter.read(piece.span) }
            meter.finish()
            (usage, isFinal) = (meter.usage, meter.isFinal)
            (estimatedOutput, output) = (meter.estimatedOutput, meter.output)
        }
    }

    private static func frame(payload: [UInt8], headers: Int) -> [UInt8] {
        let lengths = [16 + headers + payload.count, headers].flatMap { length in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
        }
        return lengths + [0, 0, 0, 0] + Array(repeating: 7, count: headers) + payload + [0, 0, 0, 0]
    }
}

/// Line breaks without their repetitions and those at the ends: what is left where only the order of lines matters.
private func trimmed(_ data: [UInt8]) -> [UInt8] {
    Array(data.split(separator: 0x0A).joined(separator: [0x0A]))
}
