import NIOCore
import NIOHTTP1
import Providers

/// What has come of a request's body, kept until it is sent and, within bounds, until no attempt can need it again.
struct RequestBody {
    /// Bytes that may gather before the request is admitted; then the caller is not read any more.
    static let windowBeforeSending = 64 << 10

    private(set) var parts: [ByteBuffer] = []
    private(set) var kept = 0
    /// All bytes that came, kept or not.
    private(set) var total = 0
    private(set) var isComplete = false
    private(set) var trailers: HTTPHeaders?
    /// Whether there is none.
    var isEmpty: Bool { isComplete && total == 0 && trailers == nil }
    /// Whether all that came is still here, so that it can be sent again.
    private(set) var isReplayable = true

    /// Takes what came. `isStreaming` says that it has been sent on already: then it is kept only for a repetition, and
    /// only up to `bound` bytes in all.
    mutating func append(_ part: ByteBuffer, isStreaming: Bool, bound: Int) {
        total += part.readableBytes
        if isStreaming {
            guard isReplayable else { return }
            if kept + part.readableBytes > bound { return forget() }
        }
        kept += part.readableBytes
        parts.append(Self.compact(part))
    }

    /// A part of its own size where it is a small piece of what was read: the rest would be held as long as it is.
    private static func compact(_ part: ByteBuffer) -> ByteBuffer {
        guard part.storageCapacity > part.readableBytes * 3 / 2, part.readableBytes <= 4 << 10 else { return part }
        return ByteBuffer(bytes: part.readableBytesView)
    }

    mutating func complete(_ trailers: HTTPHeaders?) {
        isComplete = true
        self.trailers = trailers
    }

    /// Has the provider report the tokens of a streamed answer, where the request does not ask for them; returns the
    /// body's new length where it was changed. For a body that is complete and has not been sent.
    mutating func askForUsage() -> Int? {
        var whole = ByteBuffer()
        for part in parts { whole.writeImmutableBuffer(part) }
        guard let request = UsageRequest(body: whole.readableBytesUInt8Span),
            let head = whole.readSlice(length: request.range.lowerBound),
            whole.readSlice(length: request.range.count) != nil
        else { return nil }
        var changed = head
        changed.writeString(request.text)
        changed.writeImmutableBuffer(whole)
        parts = [changed]
        kept = changed.readableBytes
        return kept
    }

    /// Says that no further attempt will be made.
    mutating func forget() {
        isReplayable = false
        parts = []
        kept = 0
    }

    /// After the first sending: lets go of what is too large to be kept.
    mutating func sent(bound: Int) {
        if kept > bound { forget() }
    }
}
