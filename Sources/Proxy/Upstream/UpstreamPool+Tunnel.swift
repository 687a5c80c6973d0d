import NIOCore

/// Connections that serve one tunnel and end with it.
extension UpstreamPool {
    /// Opens a connection for a tunnel. The exchange hears of it, or of why there is none.
    func openTunnel(_ kind: TunnelKind, for exchange: Exchange) {
        switch (kind, service.upstream.connections.httpVersion) {
        case (.connect, _): dial(for: exchange)
        // Over HTTP/2 a WebSocket is a stream like others (RFC 8441).
        case (.webSocket, .h2), (.webSocket, .h2c): lease(for: exchange)
        case (.webSocket, .auto), (.webSocket, .h1): connectForUpgrade(exchange)
        }
    }

    private func dial(for exchange: Exchange) {
        guard takesTunnel() else { return exchange.leaseFailed(.poolExhausted) }
        let bound = NIOLoopBound((pool: self, exchange: exchange), eventLoop: loop)
        service.dial.tunnel(to: service.upstream.url.port, on: loop).whenComplete { result in
            let (pool, exchange) = bound.value
            switch result {
            case .failure(let error):
                pool.tunnelEnded()
                exchange.leaseFailed(UpstreamFailure(error))
            case .success(let channel): pool.serve(exchange, on: channel)
            }
        }
    }

    private func serve(_ exchange: Exchange, on channel: any Channel) {
        let end = TunnelEnd(channel, exchange: exchange) { [self] in tunnelEnded() }
        do {
            try channel.pipeline.syncOperations.addHandler(end)
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            // It has broken in between.
            channel.close(promise: nil)
            tunnelEnded()
            return exchange.leaseFailed(.closed)
        }
        exchange.leased(end, isReused: false)
    }

    /// An HTTP/1.1 connection that becomes something else belongs to no pool any more.
    private func connectForUpgrade(_ exchange: Exchange) {
        guard takesTunnel() else { return exchange.leaseFailed(.poolExhausted) }
        let bound = NIOLoopBound((pool: self, exchange: exchange), eventLoop: loop)
        UpstreamConnector(service: service, loop: loop, number: 0, pool: self, isForUpgrade: true).connect()
            .whenComplete { result in
                let (pool, exchange) = bound.value
                switch result {
                case .failure(let error):
                    pool.tunnelEnded()
                    exchange.leaseFailed(UpstreamFailure(error))
                case .success(let connection):
                    connection.value.channel.closeFuture.assumeIsolated().whenComplete { _ in pool.tunnelEnded() }
                    connection.value.serve(exchange)
                }
            }
    }
}
