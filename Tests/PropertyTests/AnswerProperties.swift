import Admission

@testable import Providers
@testable import Proxy

extension Property {
    /// An error answer means the same however its fields are written, and whatever lies beyond what is looked at.
    static let judgement = Property("judgement") { bytes in
        let answer = Message(bytes)
        let status = Int(answer.start).flatMap { (100...599).contains($0) ? $0 : nil } ?? 429
        let loud = answer.fields.map { (name: $0.name.uppercased(), value: $0.value) }
        for provider in Provider.allCases {
            let profile = provider.profile
            let judge = { (fields: [(name: String, value: String)], body: [UInt8]) in
                profile.judge(status: status, headers: fields, body: body.span, now: now)
            }
            let judgement = judge(answer.fields, answer.body)
            try require((judgement.hint?.wait ?? .zero) >= .zero, "\(judgement)")
            try require(judgement.kind.isRetryable || !judgement.isRetryable && judgement.hint == nil, "\(judgement)")
            if status < 400 { try requireEqual(judgement, .ok, "a status below 400") }
            let isASCII = answer.fields.allSatisfy { $0.name.utf8.allSatisfy { $0 < 0x80 } }
            if isASCII { try requireEqual(judge(loud, answer.body), judgement, "\(provider): names in capitals") }
            let beginning = Array(answer.body.prefix(ErrorFacts.maxBody))
            try requireEqual(judge(answer.fields, beginning), judgement, "\(provider): the rest of a long body")
            if !profile.needsBody(status: status) {
                let kind = judge(answer.fields, []).kind
                try requireEqual(kind, judgement.kind, "\(provider): a body that need not be read")
            }
        }
    }

    private static let now = WallTime(unixMilliseconds: 1_750_000_000_000)

    /// What Penstock says itself is JSON and plain fields for whatever names, and its hint is read back as it is.
    static let ownAnswer = Property("own-answer") { bytes in
        let text = Message(bytes)
        let rate = Limit.Rate(bytes.count + 1, per: .seconds(60), of: bytes.count % 2 == 0 ? .requests : .tokens)
        let holders = text.fields.map { RefusedLimit.Holder($0.name, $0.value) }
        let limit = RefusedLimit(name: text.start, bound: .rate(rate), holders: holders)
        let body = String(decoding: text.body, as: UTF8.self)
        let refusals: [Refusal] = [
            .limitReached(limit, wait: .milliseconds(bytes.count * 37)),
            .queueFull(waiting: bytes.count, tenant: body, limit: limit, wait: nil), .noRoute(body), .badRequest(body),
            .neverFits(tokens: bytes.count, limit: limit), .badResponse(body, upstream: text.start),
        ]
        for refusal in refusals {
            for provider in speakers { try check(refusal, for: provider) }
        }
    }

    /// One provider for each shape of an error.
    private static let speakers = Dictionary(grouping: Provider.allCases) { $0.profile.errorShape }.values
        .compactMap(\.first).sorted { $0.rawValue < $1.rawValue }

    private static func check(_ refusal: Refusal, for provider: Provider) throws {
        let answer = refusal.answer(for: provider, requestID: "request-1")
        guard let json = SlowJSON(answer.body) else { throw Violation(description: "\(provider): no JSON") }
        let messages = json.scalars(at: [["message"], ["error", "message"], ["error"], ["detail"]])
        let written = Array(JSONText(.string(refusal.message)).bytes.dropFirst().dropLast())
        try requireEqual(messages.map(\.bytes), [written], "\(provider): the message")
        for (name, value) in answer.headers {
            let isPlain = (name + value).utf8.allSatisfy { (0x20..<0x7F).contains($0) }
            try require(isPlain, "\(provider): \(name): \(value)")
        }
        let judgement = provider.profile.judge(
            status: answer.status, headers: answer.headers, body: answer.body.span, now: now)
        if let wait = judgement.hint?.wait, let announced = refusal.announcedWait {
            try requireEqual(wait.millisecondsRoundedUp, announced.millisecondsRoundedUp, "\(provider): the hint")
        }
    }

    /// Numbers, lengths and dates are what a slower reading of them says, and never out of their range.
    static let texts = Property("texts") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        try checkNumber(text)
        for length in [DurationText.go(text), DurationText.announced(in: text)] {
            try require((length ?? .zero) >= .zero, "a length of \(String(describing: length))")
        }
        if let moment = DateText.http(text, now: now) { try checkDate(moment) }
        if let moment = DateText.rfc3339(text) {
            let day: Int64 = 86_400_000
            let range = -62_167_219_200_000 - day...253_402_300_800_000 + day
            try require(range.contains(moment.unixMilliseconds), "\(moment) is none of the years 0 to 9999")
        }
        for provider in Provider.allCases {
            let fields = [(name: "retry-after", value: text), ("x-ratelimit-reset-requests", text), ("date", text)]
            let none: [UInt8] = []
            let hint = provider.profile.judge(
                status: 429, headers: fields + [("x-ratelimit-remaining-requests", "0")], body: none.span, now: now
            ).hint
            try require((hint?.wait ?? .zero) >= .zero, "\(provider): \(String(describing: hint))")
        }
    }

    private static func checkNumber(_ text: String) throws {
        guard let number = TextCursor.number(in: text) else {
            try require(Int(text) == nil, "\(text) is a number")
            return
        }
        try require(number.whole >= 0 && (0..<1_000_000_000).contains(number.billionths), "\(number)")
        if let slow = Int(text) {
            try requireEqual(number.whole, Int(exactly: slow.magnitude) ?? .max, text)
        }
        for unit in [Interval.milliseconds(1), .seconds(1), .days(1)] {
            try require(number.interval(of: unit) >= .zero, "\(number) of \(unit)")
        }
    }

    /// A date reads back as it is from the words of the C library's calendar, which has no leading zeros in years.
    private static func checkDate(_ moment: WallTime) throws {
        guard moment.unixMilliseconds >= -30_610_224_000_000 else { return }
        let written = HTTPDate.text(unixSeconds: Int(moment.unixMilliseconds / 1000))
        try requireEqual(DateText.http(written, now: now)?.unixMilliseconds, moment.unixMilliseconds, written)
    }

    /// What a request's target and key name is found for every provider, and shapes agree with what they are made of.
    static let target = Property("target") { bytes in
        let request = Message(bytes)
        for provider in Provider.allCases {
            let profile = provider.profile
            if let model = profile.request.model(inTarget: request.start) {
                let part = request.start.utf8.count
                // A byte that is no UTF-8 becomes three.
                try require(!model.isEmpty && model.utf8.count <= part * 3, "\(provider): the model \(model)")
            }
            for body in [true, false] where !profile.request.streams(target: request.start, body: true) {
                try require(!profile.request.streams(target: request.start, body: body), "\(provider): it streams")
            }
            let key = profile.credential.clientKey(target: request.start) { name in
                request.fields.first { $0.name == name }?.value
            }
            try require(key != "", "\(provider): an empty key")
        }
        let plain = request.start.filter { $0 != "%" }
        try requireEqual(PercentEncoding.decoded(plain[...]), plain, "what has no escape")
        let escaped = request.start.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try requireEqual(PercentEncoding.decoded(escaped[...]), request.start, "what is all escapes")
    }
}

extension Property {
    /// What is read of limits is in its ranges, the same whatever case names have, and never raises a limit.
    static let limitNotices = Property("limit-notices") { bytes in
        let answer = Message(bytes)
        let loud = answer.fields.map { (name: $0.name.uppercased(), value: $0.value) }
        let isASCII = answer.fields.allSatisfy { $0.name.utf8.allSatisfy { $0 < 0x80 } }
        for provider in Provider.allCases {
            let reader = LimitReader(provider.profile.limitHeaders)
            let notices = reader.read(answer.fields, date: nil, now: now)
            if isASCII {
                try requireEqual(reader.read(loud, date: nil, now: now), notices, "\(provider): names in capitals")
            }
            for notice in notices {
                let isInRange =
                    (notice.limit ?? 1) > 0 && (notice.remaining ?? 0) >= 0 && (notice.reset ?? .zero) >= .zero
                    && notice.window >= .seconds(1)
                try require(isInRange, "\(provider): \(notice)")
                try checkNeverRaises(notice)
            }
        }
    }

    private static func checkNeverRaises(_ notice: LimitNotice) throws {
        let rate = Limit.Rate(20, per: notice.window, of: .requests)
        let rules = GateRules(limits: [Limit(name: "rate", terms: Limit.Terms(rates: [rate]))], pacing: .burst)
        let start = Instant(nanoseconds: 0)
        var gate = Gate(rules: rules, now: start)
        var notice = notice
        notice.unit = .requests
        var sent = 0
        for _ in 0..<30 {
            guard case .admitted(let permit) = gate.submit(Ask(identity: Identity(), deadline: start), now: start)
            else {
                break
            }
            sent += 1
            gate.noticed(permit, [notice], now: start)
            gate.settle(permit, now: start)
        }
        try require((1...20).contains(sent), "\(sent) of 20 went after \(notice)")
        let later = start + notice.window * 2 + .minutes(2)
        let submission = gate.submit(Ask(identity: Identity(), deadline: later), now: later)
        guard case .admitted = submission else { throw Violation(description: "nothing goes after \(notice)") }
    }

    /// What is unpacked is bounded, and of a beginning of the input a beginning of the output.
    static let inflate = Property("inflate") { bytes in
        for coding in ["gzip", "deflate"] {
            let plain = Inflate.beginning(of: bytes.span, coding: coding, bound: 4096)
            try require(plain.count <= 4096, "\(plain.count) bytes")
            let less = Inflate.beginning(of: bytes.span, coding: coding, bound: 100)
            try requireEqual(less, Array(plain.prefix(100)), "\(coding): the first 100")
            // What looks like zlib's header and what does not differ in their first two bytes.
            guard bytes.count > 20 else { continue }
            let beginning = bytes[..<(bytes.count / 2)]
            let half = Inflate.beginning(of: beginning.span, coding: coding, bound: 4096)
            try require(plain.starts(with: half), "\(coding): half of the input")
        }
    }
}
