/// The names of Penstock's own metrics, as users' dashboards know them.
enum ProxyMetricName {
    static let requests = "penstock_requests_total"
    static let attempts = "penstock_attempts_total"
    static let inFlight = "penstock_in_flight"
    static let queueDepth = "penstock_queue_depth"
    static let queueMaxRequests = "penstock_queue_max_requests"
    static let queueWait = "penstock_queue_wait_seconds"
    static let firstByte = "penstock_first_byte_seconds"
    static let requestTime = "penstock_request_seconds"
    static let overhead = "penstock_overhead_seconds"
    static let limitValue = "penstock_limit_value"
    static let limitUsedRatio = "penstock_limit_used_ratio"
    static let limited = "penstock_limited_total"
    static let throttled = "penstock_throttled_total"
    static let paused = "penstock_paused"
    static let breakerOpen = "penstock_breaker_open"
    static let adaptiveLimit = "penstock_adaptive_limit"
    static let tokens = "penstock_tokens_total"
    static let unmetered = "penstock_unmetered_answers_total"
    static let connections = "penstock_connections"
    static let clusterConnected = "penstock_cluster_connected"
    static let configReloadFailed = "penstock_config_reload_failed"
    static let configLastReload = "penstock_config_last_reload_success_timestamp_seconds"
    static let shed = "penstock_shed_total"
    static let logLinesDropped = "penstock_log_lines_dropped_total"
}

extension MetricCatalogue {
    /// Help texts and histogram bounds of everything that Penstock measures.
    package static let penstock = MetricCatalogue(
        help: ownHelp.merging(processHelp) { own, _ in own },
        bounds: [ProxyMetricName.overhead: .overhead])

    private static let ownHelp: [String: String] = [
        ProxyMetricName.requests: "Requests answered, by outcome and class of the status sent downstream.",
        ProxyMetricName.attempts: "Attempts sent upstream, by class of the status that came back.",
        ProxyMetricName.inFlight: "Attempts sent whose last response byte has not been seen.",
        ProxyMetricName.queueDepth: "Requests waiting for a limit.",
        ProxyMetricName.queueMaxRequests: "Requests that may wait at one time.",
        ProxyMetricName.queueWait: "Time that requests waited for a limit.",
        ProxyMetricName.firstByte: "Time from sending an attempt to its first response byte.",
        ProxyMetricName.requestTime: "Time from a request's head to its last response byte.",
        ProxyMetricName.overhead: "Time spent in Penstock besides waiting in the queue and for the upstream.",
        ProxyMetricName.limitValue: "Limit in force, in its unit.",
        ProxyMetricName.limitUsedRatio: "Share of the limit in use.",
        ProxyMetricName.limited: "Requests that a limit held back, each once per limit.",
        ProxyMetricName.throttled: "Responses in which the provider said slow down.",
        ProxyMetricName.paused: "Whether sending is paused because the provider said slow down.",
        ProxyMetricName.breakerOpen: "Whether the circuit breaker is open.",
        ProxyMetricName.adaptiveLimit: "In-flight limit as adapted to the upstream's answers.",
        ProxyMetricName.tokens: "Tokens used, as reported by the provider or estimated.",
        ProxyMetricName.unmetered: "Answers whose tokens could not be read because they were compressed.",
        ProxyMetricName.connections: "Connections to the upstream.",
        ProxyMetricName.clusterConnected: "Whether the shared limits' store is reachable.",
        ProxyMetricName.configReloadFailed: "Whether the last reload of the configuration failed.",
        ProxyMetricName.configLastReload:
            "When the configuration was last read without a mistake, in seconds since 1970.",
        ProxyMetricName.shed: "Requests and connections refused to protect the process, the lowest priority first.",
        ProxyMetricName.logLinesDropped: "Log lines lost because they were not read fast enough.",
        PrometheusRegistry.droppedSeries: "Series added up under other because their metric had too many.",
    ]

    private static let processHelp: [String: String] = [
        "penstock_open_files": "File descriptors in use.",
        "penstock_max_open_files": "File descriptors that may be in use.",
        "process_cpu_seconds_total": "User and system CPU time spent.",
        "process_resident_memory_bytes": "Resident memory size.",
        "process_virtual_memory_bytes": "Virtual memory size.",
        "process_start_time_seconds": "Start of the process in seconds since 1970.",
        "process_open_fds": "Open file descriptors.",
        "process_max_fds": "Most file descriptors that may be open.",
        "process_threads": "Threads of the process.",
    ]
}
