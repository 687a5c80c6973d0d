import Admission
import NIOCore
import Providers

/// What follows an answer whose caller has gone with all of it.
///
/// Some SDKs close their connection right behind the end that the provider's wire has of its own (`[DONE]`,
/// `message_stop`; openai-python 3.52 does after every synchronous stream). Nothing has gone wrong then: the exchange
/// is a success, and the few bytes that are still to come are read, so that the upstream's connection serves others.
extension Exchange {
    /// How far the rest has been read. A class, so that a phase without one stays small.
    final class Remainder {
        /// A stream that goes on behind its end is none of a kind that is known.
        static let bound = 64 << 10
        static let patience = Interval.seconds(2)

        let usage: Tokens?
        var bytes = 0

        init(usage: Tokens?) {
            self.usage = usage
        }
    }

    /// Whether the caller has been given all of a stream but for the end of its body.
    var hasWholeAnswer: Bool {
        guard case .relaying = phase, body.isComplete, !wantsTunnel else { return false }
        return answerReading?.hasEnded ?? (streamEnd == .reached)
    }

    /// Goes on without the caller. Its slot stays taken until the upstream has ended, as for any other answer.
    func finishAlone() {
        guard case .relaying(let permit, let handler) = phase else { return }
        record.outcome = .ok
        phase = .finishing(permit, handler, Remainder(usage: usage()))
        connection.report(self)
        handler.resumeReading()
        let exchange = NIOLoopBound(self, eventLoop: worker.loop)
        worker.loop.scheduleTask(in: TimeAmount(Remainder.patience)) { exchange.value.giveUpRemainder() }
    }

    func takeRest(_ bytes: ByteBuffer, _ rest: Remainder) {
        rest.bytes += bytes.readableBytes
        if rest.bytes > Remainder.bound { giveUpRemainder() }
    }

    private func giveUpRemainder() {
        guard case .finishing(_, let handler, _) = phase else { return }
        handler.abandon()
        endAlone()
    }

    /// The upstream has ended, or is not waited for any longer.
    func endAlone() {
        guard case .finishing(let permit, _, let rest) = phase else { return }
        phase = .ended
        service.gate.settle(permit, verdict, usage: rest.usage, now: Clock.now())
    }
}
