import Foundation
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL
import Testing

@testable import ProviderSimulator

@Suite("A simulator over HTTP/2 and TLS")
struct HTTP2Tests {
    @Test("streams an answer to a POST", arguments: [false, true])
    func stream(overTLS: Bool) async throws {
        try await withServer(overTLS: overTLS) { simulator, tls in
            let peer = try await HTTP2Peer.connect(to: simulator, tls: tls)
            let answer = try await peer.post("/v1/chat/completions", streamedChat)
            #expect(answer.status == 200)
            #expect(answer.ending == nil)
            #expect(answer.body.hasSuffix("data: [DONE]\n\n"))
            let second = try await peer.post("/v1/chat/completions", chat)
            #expect(second.body.contains("\"usage\""))
            #expect(simulator.counts.requests == [200: 2])
            #expect(simulator.counts.connections == 1)
            try await peer.close()
        }
    }

    @Test(
        "ends a stream as the fault says",
        arguments: [
            ("reset-before-head", HTTP2ErrorCode.internalError, nil), ("refuse-stream", .refusedStream, nil),
            ("reset-after-head", .internalError, 200), ("cut-body", .internalError, 200),
        ] as [(String, HTTP2ErrorCode, Int?)])
    func faults(fault: String, code: HTTP2ErrorCode, status: Int?) async throws {
        try await withServer(overTLS: false) { simulator, _ in
            let peer = try await HTTP2Peer.connect(to: simulator, tls: nil)
            let answer = try await peer.post("/v1/chat/completions", streamedChat, fault: fault)
            #expect(answer.status == status)
            #expect(answer.ending == code)
            #expect(!answer.body.contains("[DONE]"))
            // The connection lives on.
            #expect(try await peer.post("/v1/chat/completions", chat).status == 200)
            #expect(simulator.counts.cancelled == 0)
            try await peer.close()
        }
    }

    @Test("Streams of one connection are in flight each for itself, and a reset frees its place")
    func inFlight() async throws {
        try await withServer(["in_flight=2"], overTLS: false) { simulator, _ in
            let peer = try await HTTP2Peer.connect(to: simulator, tls: nil)
            let first = try await peer.open("/v1/chat/completions", chat, fault: "stall")
            _ = try await peer.open("/v1/chat/completions", chat, fault: "stall")
            #expect(await eventually { simulator.counts.active == 2 })
            #expect(try await peer.post("/v1/chat/completions", chat).status == 429)
            first.close(promise: nil)
            #expect(await eventually { simulator.counts.active == 1 })
            #expect(try await peer.post("/v1/chat/completions", chat).status == 200)
            #expect(simulator.counts.cancelled == 1)
            #expect(simulator.counts.totalViolations == 1)
            try await peer.close()
        }
    }

    private func withServer(
        _ limits: [String] = [], overTLS: Bool, body: (Simulator, NIOSSLContext?) async throws -> Void
    ) async throws {
        guard overTLS else {
            return try await withSimulator(limits) { try await body($0, nil) }
        }
        let certificate = try SelfSigned()
        defer { certificate.remove() }
        var client = TLSConfiguration.makeClientConfiguration()
        client.trustRoots = .file(certificate.files.certificate)
        client.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: client)
        try await withSimulator(limits, configure: { $0.tls = certificate.files }) { try await body($0, context) }
    }
}

/// A certificate for `localhost` and its key, made for one test.
private struct SelfSigned {
    let files: SimulatorSettings.TLS
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "simulator-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        files = SimulatorSettings.TLS(
            certificate: directory.appending(path: "certificate.pem").path(),
            key: directory.appending(path: "key.pem").path())
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "1",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", files.key,
            "-out", files.certificate,
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        try #require(openssl.terminationStatus == 0, "the openssl command makes the certificate")
    }

    func remove() {
        // What is left in the temporary directory does no harm.
        try? FileManager.default.removeItem(at: directory)
    }
}

/// One HTTP/2 connection of a client.
private struct HTTP2Peer: Sendable {
    let channel: any Channel
    let streams: NIOHTTP2Handler.StreamMultiplexer

    struct Answer: Sendable {
        var status: Int?
        var body = ""
        /// The code of a reset, `nil` where the stream ended as it should.
        var ending: HTTP2ErrorCode?
    }

    static func connect(to simulator: Simulator, tls: NIOSSLContext?) async throws -> HTTP2Peer {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
                    }
                    _ = try pipeline.configureHTTP2Pipeline(
                        mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { $0.eventLoop.makeSucceededVoidFuture() }
                }
            }
            .connect(to: simulator.address)
            .get()
        let streams = try await channel.pipeline.handler(type: NIOHTTP2Handler.self).flatMap { $0.multiplexer }.get()
        return HTTP2Peer(channel: channel, streams: streams)
    }

    func post(_ target: String, _ body: String, fault: String? = nil) async throws -> Answer {
        let answer = channel.eventLoop.makePromise(of: Answer.self)
        _ = try await open(target, body, fault: fault, answer: answer)
        return try await answer.futureResult.get()
    }

    @discardableResult
    func open(
        _ target: String, _ body: String, fault: String? = nil, answer: EventLoopPromise<Answer>? = nil
    ) async throws -> any Channel {
        let stream = try await streams.createStreamChannel { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .http))
                try stream.pipeline.syncOperations.addHandler(AnswerReader(promise: answer))
            }
        }.get()
        var headers: HTTPHeaders = ["host": "localhost", "content-length": "\(body.utf8.count)"]
        if let fault { headers.add(name: "x-simulate", value: fault) }
        let head = HTTPRequestHead(version: .http2, method: .POST, uri: target, headers: headers)
        stream.write(HTTPClientRequestPart.head(head), promise: nil)
        stream.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(string: body))), promise: nil)
        stream.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        return stream
    }

    func close() async throws {
        try await channel.close()
    }
}

/// Collects the answer on one stream.
private final class AnswerReader: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private var answer = HTTP2Peer.Answer()
    private var promise: EventLoopPromise<HTTP2Peer.Answer>?

    init(promise: EventLoopPromise<HTTP2Peer.Answer>?) {
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): answer.status = Int(head.status.code)
        case .body(let bytes): answer.body += String(buffer: bytes)
        case .end: settle()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer.ending = (error as? NIOHTTP2Errors.StreamClosed)?.errorCode ?? answer.ending
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        settle()
    }

    private func settle() {
        promise?.succeed(answer)
        promise = nil
    }
}
