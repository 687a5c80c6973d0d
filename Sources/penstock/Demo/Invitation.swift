import NIOCore

/// What to try while both stay up.
struct Invitation {
    let proxy: String
    let admin: String
    let provider: String

    init(_ stage: Stage) {
        proxy = "127.0.0.1:\(stage.proxy.port ?? 0)"
        admin = "127.0.0.1:\(stage.admin.port ?? 0)"
        provider = "127.0.0.1:\(stage.simulator.port)"
    }

    var lines: [String] {
        [
            "", "Both stay up until Ctrl-C. Try:", "",
            "  curl -i http://\(proxy)/openai/v1/chat/completions \\",
            "    -H 'Content-Type: application/json' -H 'Authorization: Bearer any' \\",
            "    -H 'X-Tenant-Id: acme' -H 'X-Job-Id: pdf-1' \\",
            #"    -d '{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}'"#,
            "  open http://\(admin)/ in a browser, or: penstock top --admin \(admin)",
            "  curl http://\(admin)/status       # the same as JSON",
            "  curl http://\(admin)/metrics      # for Prometheus",
            "  curl http://\(provider)/metrics      # what the simulated provider counted",
        ]
    }
}
