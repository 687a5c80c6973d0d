import Admission
import NIOCore
import Providers

/// What a request's body says that its limits ask for, read while it arrives and before the gate is asked.
///
/// Only requests to upstreams whose limits depend on the model or on tokens, and that name no model in their target,
/// have one; the others are asked for as soon as their head is there.
final class BodyReading {
    /// Of a larger body only the beginning is read: the model stands there, and the rest is estimated by its length.
    private static let windowForTokens = 1 << 20

    private var model: RequestPeek?
    private var tokens: TokenPeek?
    private var read = 0

    /// - Parameter hasOutput: whether the answer will have tokens of its own, as embeddings have none.
    init(needsModel: Bool, needsTokens: Bool, hasOutput: Bool) {
        model = needsModel ? RequestPeek() : nil
        tokens = needsTokens ? TokenPeek(hasOutput: hasOutput) : nil
    }

    /// How much of the body may gather before the gate is asked.
    var window: Int { tokens == nil ? RequestBody.windowBeforeSending : Self.windowForTokens }

    /// Whether more of the body can change what is known of it.
    var isEnded: Bool {
        if read >= window { return true }
        guard tokens == nil else { return false }
        guard let model else { return true }
        return model.model != .needMore
    }

    func take(_ part: ByteBuffer) {
        read += part.readableBytes
        model?.read(part.readableBytesUInt8Span)
        tokens?.read(part.readableBytesUInt8Span)
    }

    /// No more of the body will be shown.
    func finish() {
        model?.finish()
    }

    /// The body's own model; of one that stands twice the last.
    var modelInBody: String? { model?.model.value }

    /// - Parameter length: of the whole body, where it is known.
    func claim(length: Int?) -> TokenClaim? {
        guard read > 0, var claim = tokens?.claim else { return nil }
        claim.input += max(0, (length ?? read) - read) / 4
        return claim
    }
}
