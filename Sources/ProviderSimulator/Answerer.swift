/// Turns a request that has arrived into what is done with it. Pure: the seed of the arrival decides what is random.
struct Answerer: Sendable {
    let settings: SimulatorSettings

    /// A request as far as its answer depends on it.
    struct Request: Sendable {
        var method: String
        var target: String
        /// The value of `x-simulate`.
        var fault: String?
        var body: [UInt8]
        var isTooLarge = false
        /// What the body says, where somebody has read it already.
        var ask: Ask?
    }

    /// - Parameters:
    ///   - now: nanoseconds on the ledger's clock, for the time to retry.
    ///   - date: seconds since 1970.
    func act(on request: Request, arrival: Arrival, now: Int64, date: Int64) -> Act {
        let dialect = Dialect(target: request.target)
        var random = SeededRandom(seed: arrival.seed)
        let limits: ProviderShape.Fields
        switch arrival.verdict {
        case .refused(let refusal): return .play(refuse(refusal, dialect: dialect, now: now, date: date))
        case .accepted(let standings): limits = dialect.shape.limitHeaders(standings, date)
        case .undecided: preconditionFailure("a request is decided before it is answered")
        }
        do throws(RequestFlaw) {
            let fault = try asked(request.fault, else: arrival.fault)
            switch fault {
            case .resetBeforeHead: return .reset(.broken)
            case .refuseStream: return .reset(.refused)
            case .stall: return .stall
            default: break
            }
            var script: Script
            if let error = injected(fault, dialect: dialect, date: date, id: arrival.seed) {
                script = error
            } else {
                script = try answer(to: request, date: date, random: &random)
            }
            apply(fault, to: &script)
            script.headers += limits
            return .play(script)
        } catch {
            var script = Self.script(ErrorBody(error, dialect: dialect), id: arrival.seed)
            if case .wrongMethod(_, _, let allow) = error { script.headers.append(("allow", allow)) }
            script.headers += limits
            return .play(script)
        }
    }

    /// What the request asks for goes before what the settings have for it.
    private func asked(_ text: String?, else fault: Fault?) throws(RequestFlaw) -> Fault? {
        guard let text else { return fault }
        do throws(SimulatorTextError) { return try Fault(text) } catch { throw .badFault(error.description) }
    }

    private func refuse(_ refusal: Refusal, dialect: Dialect, now: Int64, date: Int64) -> Script {
        let wait = refusal.retryAt.map { max(1, $0 - now) }
        var script = Self.script(
            .limit(refusal, wait: wait, dialect: dialect), id: UInt64(bitPattern: now))
        // Nobody knows when a place in flight falls free; a second is what a provider would say. What is too large
        // for a limit is so at any time.
        if !refusal.isTooLarge { script.headers += dialect.shape.retryHeaders(wait ?? 1_000_000_000, date) }
        script.headers += dialect.shape.limitHeaders(refusal.standings, date)
        return script
    }

    private func injected(_ fault: Fault?, dialect: Dialect, date: Int64, id: UInt64) -> Script? {
        switch fault {
        case .refusal(let kind):
            return Self.script(ErrorBody(kind, dialect: dialect), id: id)
        case .status(let status, let hint):
            var script = Self.script(.injected(status, retryAfter: hint?.length, dialect: dialect), id: id)
            switch hint {
            case .seconds(let length): script.headers.append(("retry-after", "\(length / 1_000_000_000)"))
            case .milliseconds(let length): script.headers.append(("retry-after-ms", "\(length / 1_000_000)"))
            case .date(let length):
                let end = date + (length + 999_999_999) / 1_000_000_000
                script.headers.append(("retry-after", WallClock.httpDate(end)))
            case nil: break
            }
            return script
        default:
            return nil
        }
    }

    private func answer(
        to request: Request, date: Int64, random: inout SeededRandom
    ) throws(RequestFlaw) -> Script {
        let path = String(request.target.splitOnce("?").0)
        switch Route(method: request.method, target: request.target) {
        case .unknown, .operation: throw .unknownPath(method: request.method, path: path)
        case .wrongMethod(let allow): throw .wrongMethod(method: request.method, path: path, allow: allow)
        case .endpoint(.models):
            return Self.script(200, json: ModelList.all(settings.models))
        case .endpoint(.model(let model)):
            guard settings.models.contains(model) else { throw .unknownModel(model) }
            return Self.script(200, json: ModelList.one(model))
        case .endpoint(let endpoint):
            if request.isTooLarge { throw .tooLarge }
            let dialect = Dialect(target: request.target)
            let ask = if let ask = request.ask { ask } else { try Ask.read(endpoint, dialect, body: request.body) }
            return complete(ask, date: date, random: &random)
        }
    }

    /// What a request that makes the model work asks for; `nil` for any other and for one that can't be understood.
    func ask(in request: Request) -> Ask? {
        guard case .endpoint(let endpoint) = Route(method: request.method, target: request.target),
            !request.isTooLarge
        else { return nil }
        // What is wrong with it is told when it is answered.
        return try? Ask.read(endpoint, Dialect(target: request.target), body: request.body)
    }

    /// What a request costs, with the tokens that its answer will have; nothing but a request where there is no ask.
    /// A fault changes nothing about it: the limits count what arrives.
    func weight(of ask: Ask?) -> Weight {
        guard let ask else { return Weight() }
        if ask.endpoint.onlyCounts { return Weight(model: ask.model) }
        return Weight(model: ask.model, inputTokens: ask.inputTokens, outputTokens: outputTokens(ask))
    }

    private func complete(_ ask: Ask, date: Int64, random: inout SeededRandom) -> Script {
        let output = outputTokens(ask)
        let completion = Completion(
            ask: ask, id: String(random.next(), radix: 16), created: date, outputTokens: output)
        let pause = settings.tokensPerSecond.map { Int64(1e9 / $0) } ?? 0
        let answer = completion.answer
        var script =
            ask.streams
            ? Script(status: 200, headers: [("cache-control", "no-cache")], body: .streamed(answer))
            : Script(status: 200, headers: [], body: .inParts(answer.whole))
        script.headers.append(("content-type", ask.streams ? answer.streamType : "application/json"))
        script.headers += ask.dialect.shape.answerHeaders(completion.id) + answer.headers
        script.pause = pause
        script.jitter = settings.jitter
        script.random = SeededRandom(seed: random.next())
        script.firstByte = settings.latency.draw(using: &random)
        // An answer in one piece comes when its last token has been made.
        if !ask.streams { script.firstByte += pause * Int64(output) }
        return script
    }

    private func outputTokens(_ ask: Ask) -> Int {
        if !ask.endpoint.hasOutput { return 0 }
        let wanted = settings.outputTokens ?? ask.maximumOutputTokens ?? 16
        return max(1, min(wanted, ask.maximumOutputTokens ?? wanted, settings.outputTokensBound))
    }

    private func apply(_ fault: Fault?, to script: inout Script) {
        switch fault {
        case .delay(let length): script.firstByte += length
        case .slowBody(let pause):
            script.pause = pause
            script.isSlow = true
        case .cutBody: script.ending = .cut
        case .resetAfterHead: script.ending = .reset
        default: return
        }
        if case .whole(let bytes, _) = script.body, script.isSlow || script.ending != .complete {
            script.body = .whole(bytes, pieces: 10)
        }
    }

    static func script(_ error: ErrorBody, id: UInt64) -> Script {
        var error = error
        error.id = String(id, radix: 16)
        var script = script(error.status, json: error.text)
        script.headers += error.headers
        return script
    }

    static func script(_ status: Int, json: String) -> Script {
        Script(
            status: status, headers: [("content-type", "application/json")],
            body: .inParts(json))
    }
}
