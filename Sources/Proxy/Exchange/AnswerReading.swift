import Admission
import NIOCore
import Providers

/// Looks at the bytes of an answer as they pass, for the tokens that they say were used.
final class AnswerReading {
    private var meter: UsageMeter
    /// Takes out what the caller did not ask for; `nil` where Penstock asked for nothing on its own.
    private var filter: UsageChunkFilter?
    private let isStream: Bool
    private var isToldEarly = false

    init(_ framing: AnswerFraming, asksForUsage: Bool) {
        meter = UsageMeter(framing)
        isStream = framing != .document
        filter = asksForUsage && isStream ? UsageChunkFilter() : nil
    }

    func take(header name: String, value: String) {
        meter.read(header: name, value: value)
    }

    /// Whether the caller may get less than came.
    var isFiltering: Bool { filter != nil }

    /// The bytes for the caller: those that came, but for the chunk with the usage that it did not ask for.
    func pass(_ bytes: ByteBuffer) -> ByteBuffer {
        meter.read(bytes.readableBytesUInt8Span)
        guard let passage = filter?.read(bytes.readableBytesUInt8Span), case .parts(let held, let ranges) = passage
        else { return bytes }
        var passed = ByteBuffer(bytes: held)
        for range in ranges {
            guard let part = bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) else {
                preconditionFailure("the filter names parts of what it was shown")
            }
            passed.writeImmutableBuffer(part)
        }
        return passed
    }

    /// Whether the stream has come to the end that its wire has of its own, so that nothing is missing.
    var hasEnded: Bool { isStream && meter.hasEndMark }

    /// What was held back at the end and is the caller's after all.
    func rest() -> ByteBuffer? {
        guard let held = filter?.finish(), !held.isEmpty else { return nil }
        return ByteBuffer(bytes: held)
    }

    /// What is known before the end, told once.
    func earlyUsage() -> Tokens? {
        guard !isToldEarly, isStream, let usage = meter.usage, !meter.isFinal else { return nil }
        isToldEarly = true
        return usage
    }

    /// What was used, as far as the answer said.
    ///
    /// - Parameter input: as estimated from the request, where limits need to know: then of a stream that did not say
    ///   the events are counted.
    func usage(claimed input: Int?) -> Tokens? {
        meter.finish()
        if let usage = meter.usage, meter.isFinal { return usage }
        guard isStream, let input = meter.usage?.input ?? input else { return meter.usage }
        return Tokens(input: input, output: meter.output)
    }
}
