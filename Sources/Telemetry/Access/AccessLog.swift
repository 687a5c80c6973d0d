/// Writes one line per exchange to a sink, in the sink's style.
package struct AccessLog: Sendable {
    private let sink: LogSink

    package init(sink: LogSink) {
        self.sink = sink
    }

    package func write(_ entry: AccessLogEntry) {
        sink.append(entry.encoded(sink.style))
    }
}

extension AccessLogEntry {
    /// Longest text of one value in bytes; a path may be longer than a name.
    fileprivate static let longestName = 256
    private static let longestPath = 1_024

    /// The line, its line feed included.
    package func encoded(_ style: LogStyle) -> [UInt8] {
        var bytes: [UInt8] = []
        // Room for a usual line, so that its storage is allocated once.
        bytes.reserveCapacity(640)
        switch style {
        case .json: appendJSON(to: &bytes)
        case .text: appendText(to: &bytes)
        }
        bytes.append(0x0A)
        return bytes
    }

    /// `level` and `message` are there so that every line of the stream has the same three keys first. A field without
    /// a value is left out.
    private func appendJSON(to bytes: inout [UInt8]) {
        bytes.append(#"{"time":""#)
        time.append(to: &bytes)
        bytes.append(#"","level":"info","message":"request""#)
        bytes.appendMember(#","request_id":"#, requestID)
        bytes.appendMember(#","upstream":"#, upstream)
        bytes.appendMember(#","tenant":"#, tenant)
        if let job { bytes.appendMember(#","job":"#, job) }
        if let model { bytes.appendMember(#","model":"#, model) }
        bytes.appendMember(#","method":"#, method)
        bytes.appendMember(#","path":"#, pathWithoutQuery, longest: AccessLogEntry.longestPath)
        if let status { bytes.appendMember(#","status":"#, status) }
        bytes.appendMember(#","outcome":"#, outcome.rawValue)
        bytes.appendMember(#","attempts":"#, attempts)
        bytes.appendMember(#","queue_ms":"#, milliseconds: queueTime)
        if let firstByteTime { bytes.appendMember(#","first_byte_ms":"#, milliseconds: firstByteTime) }
        bytes.appendMember(#","total_ms":"#, milliseconds: totalTime)
        bytes.appendMember(#","bytes_in":"#, bytesIn)
        bytes.appendMember(#","bytes_out":"#, bytesOut)
        if let tokensIn { bytes.appendMember(#","tokens_in":"#, tokensIn) }
        if let tokensOut { bytes.appendMember(#","tokens_out":"#, tokensOut) }
        if let limit { bytes.appendMember(#","limit":"#, limit) }
        if let credential { bytes.appendMember(#","credential":"#, credential) }
        if !observed.isEmpty { bytes.appendMember(#","observed":"#, observed.joined(separator: ",")) }
        if let traceID {
            bytes.append(#","trace_id":""#)
            traceID.append(to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// For a terminal: what one looks for first, then the rest as `key=value`.
    private func appendText(to bytes: inout [UInt8]) {
        time.append(to: &bytes)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: (status.map { "\($0)" } ?? "---").utf8)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: outcome.rawValue.utf8)
        bytes.append(UInt8(ascii: " "))
        bytes.appendPlain(method, longest: AccessLogEntry.longestName)
        bytes.append(UInt8(ascii: " "))
        bytes.appendPlain(pathWithoutQuery, longest: AccessLogEntry.longestPath)
        bytes.appendPair("total", milliseconds: totalTime)
        bytes.appendPair("queue", milliseconds: queueTime)
        if let firstByteTime { bytes.appendPair("first_byte", milliseconds: firstByteTime) }
        bytes.appendPair("upstream", upstream)
        bytes.appendPair("tenant", tenant)
        if let job { bytes.appendPair("job", job) }
        if let model { bytes.appendPair("model", model) }
        if attempts != 1 { bytes.appendPair("attempts", "\(attempts)") }
        if let limit { bytes.appendPair("limit", limit) }
        if let credential { bytes.appendPair("credential", credential) }
        if !observed.isEmpty { bytes.appendPair("observed", observed.joined(separator: ",")) }
        bytes.appendPair("bytes", "\(bytesIn)/\(bytesOut)")
        if tokensIn != nil || tokensOut != nil {
            bytes.appendPair("tokens", "\(tokensIn.map { "\($0)" } ?? "-")/\(tokensOut.map { "\($0)" } ?? "-")")
        }
        bytes.appendPair("id", requestID)
    }
}

extension [UInt8] {
    /// - Parameter name: with the comma before and the quotes and colon around it, so that all of that is one copy.
    fileprivate mutating func appendMember(_ name: String, _ value: String, longest: Int = AccessLogEntry.longestName) {
        append(name)
        appendJSON(value, longest: longest)
    }

    fileprivate mutating func appendMember(_ name: String, _ value: Int) {
        append(name)
        append(decimal: value)
    }

    fileprivate mutating func appendMember(_ name: String, milliseconds: Int64) {
        append(name)
        append(milliseconds: milliseconds)
    }

    fileprivate mutating func appendPair(_ name: String, _ value: String) {
        append(UInt8(ascii: " "))
        append(contentsOf: name.utf8)
        append(UInt8(ascii: "="))
        appendValue(value, longest: AccessLogEntry.longestName)
    }

    fileprivate mutating func appendPair(_ name: String, milliseconds: Int64) {
        append(UInt8(ascii: " "))
        append(contentsOf: name.utf8)
        append(UInt8(ascii: "="))
        append(milliseconds: milliseconds)
        append(contentsOf: "ms".utf8)
    }
}
