/// Connections that serve one tunnel and end with it.
extension UpstreamPool {
    func openTunnel(_ kind: TunnelKind, for exchange: Exchange) {
        exchange.leaseFailed(.notProcessed)
    }
}
