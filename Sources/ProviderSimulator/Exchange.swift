import NIOHTTP1

/// One request and its answer, as far as they have come.
struct Exchange {
    let method: HTTPMethod
    let target: String
    let fault: String?
    let keepsAlive: Bool
    /// Tells the timers of this exchange from those of others on the connection.
    let number: Int
    /// `nil` for the simulator's own paths, and again once the request has left the books.
    var arrival: Arrival?
    var body: [UInt8] = []
    var isTooLarge = false
    var phase = Phase.receiving

    enum Phase {
        case receiving
        /// Nothing will be written before a timer fires or the caller leaves.
        case waiting(Script)
        /// The head is out and so are the pieces before `next`.
        case writing(Script, next: Int, isPaused: Bool)
        case stalled
    }

    /// Of the head that has been written.
    var status: Int? {
        if case .writing(let script, _, _) = phase { return script.status }
        return nil
    }

    init(_ head: HTTPRequestHead, number: Int) {
        method = head.method
        target = head.uri
        fault = head.headers.first(name: "x-simulate")
        keepsAlive = head.isKeepAlive
        self.number = number
    }

    mutating func append(_ bytes: some Collection<UInt8>, maximum: Int) {
        guard !isTooLarge, body.count + bytes.count <= maximum else {
            isTooLarge = true
            body = []
            return
        }
        body.append(contentsOf: bytes)
    }

    /// The request is handed over; its body is not needed afterwards, and a slow request should not keep it.
    mutating func takeRequest() -> Answerer.Request {
        defer { body = [] }
        return Answerer.Request(
            method: method.rawValue, target: target, fault: fault, body: body, isTooLarge: isTooLarge)
    }
}
