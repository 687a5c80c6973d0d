import CoreMetrics
import Testing

@testable import Telemetry

@Suite("The registry of metrics")
struct PrometheusRegistryTests {
    @Test("gives the same series for the same name and labels, in any order")
    func sameSeries() {
        let registry = PrometheusRegistry.quiet()
        Counter(label: "a_total", dimensions: [("x", "1"), ("y", "2")], factory: registry).increment()
        Counter(label: "a_total", dimensions: [("y", "2"), ("x", "1")], factory: registry).increment(by: 2)
        #expect(registry.lines("a_total") == [#"a_total{x="1",y="2"} 3"#])
    }

    @Test("gives integer and floating-point counters of one name the same series")
    func sharedByBothCounters() {
        let registry = PrometheusRegistry.quiet()
        Counter(label: "a_total", factory: registry).increment(by: 2)
        let real = FloatingPointCounter(label: "a_total", factory: registry)
        real.increment(by: 0.25)
        real.increment(by: 1.0)
        #expect(registry.lines("a_total") == ["a_total 3.25"])
    }

    @Test(
        "makes names valid, and lets a counter's end in _total",
        arguments: [
            ("http.requests", "http_requests_total"), ("a_total", "a_total"), ("2nd", "_2nd_total"),
            ("a:b", "a_b_total"),
            ("größe", "gr____e_total"), ("", "__total"),
        ])
    func validNames(label: String, name: String) {
        let registry = PrometheusRegistry.quiet()
        Counter(label: label, factory: registry).increment()
        #expect(registry.lines(name) == ["\(name) 1"])
    }

    @Test("keeps label names valid and apart from those of the text faces")
    func validLabels() {
        let registry = PrometheusRegistry.quiet()
        Gauge(label: "a", dimensions: [("le", "1"), ("x-y", "2"), ("x", "old"), ("x", "new")], factory: registry)
            .record(1)
        #expect(registry.lines("a{") == [#"a{le_="1",x="new",x_y="2"} 1"#])
    }

    @Test("removes a destroyed series, and counts its successor from zero")
    func destroy() {
        let registry = PrometheusRegistry.quiet()
        let counter = Counter(label: "a_total", factory: registry)
        counter.increment(by: 5)
        counter.destroy()
        #expect(registry.lines("a_total").isEmpty)
        Counter(label: "a_total", factory: registry).increment()
        counter.destroy()
        #expect(registry.lines("a_total") == ["a_total 1"], "an old handle must not remove its successor")
    }

    @Test("removes every kind of metric")
    func destroyAllKinds() {
        let registry = PrometheusRegistry.quiet()
        FloatingPointCounter(label: "a", factory: registry).destroy()
        Meter(label: "b", factory: registry).destroy()
        Gauge(label: "c", factory: registry).destroy()
        Recorder(label: "d", factory: registry).destroy()
        Timer(label: "e", factory: registry).destroy()
        #expect(registry.text().split(separator: "\n").count == 3, "only the registry's own metric is left")
    }

    @Test("lets a name be used for another kind after its last series is gone")
    func kindAfterDestroy() {
        let registry = PrometheusRegistry.quiet()
        Meter(label: "a", factory: registry).destroy()
        Recorder(label: "a", factory: registry).record(1)
        #expect(registry.lines("a_count") == ["a_count 1"])
    }

    @Test("refuses a name used with two kinds: no crash, one line in the log")
    func twoKinds() {
        let book = LogBook()
        let registry = PrometheusRegistry(logger: book.logger)
        Meter(label: "a", factory: registry).set(1)
        Recorder(label: "a", factory: registry).record(1)
        Timer(label: "a", factory: registry).recordNanoseconds(1)
        #expect(registry.lines("a") == ["a 1"])
        #expect(book.messages == ["error: metric refused: its name is used for another kind"])
    }

    @Test("refuses a name whose lines would look like another metric's")
    func collidingLines() {
        let registry = PrometheusRegistry.quiet()
        Timer(label: "a", factory: registry).recordSeconds(1)
        Gauge(label: "a_count", factory: registry).record(7)
        Counter(label: "b_total", factory: registry).increment()
        Gauge(label: "b", factory: registry).record(7)
        #expect(registry.lines("a_count") == ["a_count 1"])
        #expect(registry.lines("b") == ["b_total 1"])
    }

    @Test("adds series beyond the bound up under other, counts and logs them")
    func tooManySeries() {
        let book = LogBook()
        let registry = PrometheusRegistry(seriesPerFamily: 2, logger: book.logger)
        for value in 0..<5 {
            Counter(label: "a_total", dimensions: [("x", "\(value)")], factory: registry).increment()
        }
        #expect(registry.lines("a_total") == [#"a_total{x="0"} 1"#, #"a_total{x="1"} 1"#, #"a_total{x="other"} 3"#])
        #expect(registry.lines("penstock_metrics") == ["penstock_metrics_dropped_series_total 3"])
        #expect(book.messages == ["warning: metric has too many series: further ones are counted as other"])
    }

    @Test("keeps what is added up under other when one of its users goes")
    func foldStays() {
        let registry = PrometheusRegistry.quiet(seriesPerFamily: 1)
        Counter(label: "a_total", dimensions: [("x", "0")], factory: registry).increment()
        let beyond = Counter(label: "a_total", dimensions: [("x", "1")], factory: registry)
        beyond.increment(by: 4)
        beyond.destroy()
        #expect(registry.lines("a_total").last == #"a_total{x="other"} 4"#)
    }

    @Test("reads collected samples at each scrape")
    func collected() {
        let registry = PrometheusRegistry.quiet()
        let meter = Meter(label: "seen", factory: registry)
        registry.collect {
            meter.increment()
            return [.gauge("a", 3, [("x", "1")]), .counter("b", 4)]
        }
        _ = registry.render(.text)
        #expect(registry.lines("a{") == [#"a{x="1"} 3"#])
        #expect(registry.lines("b_") == ["b_total 4"])
        #expect(registry.lines("seen") == ["seen 4"])
    }

    @Test("writes no line twice, whoever asks for it")
    func noDuplicateLines() {
        let registry = PrometheusRegistry.quiet()
        Meter(label: "a", factory: registry).set(1)
        Timer(label: "t", factory: registry).recordSeconds(1)
        registry.collect { [.gauge("a", 2), .gauge("b", 1), .gauge("b", 2), .counter("a", 3), .gauge("t_sum", 9)] }
        #expect(registry.lines("a") == ["a 1"])
        #expect(registry.lines("b") == ["b 1"])
        #expect(registry.lines("t_sum") == ["t_sum 1"])
    }

    @Test("loses nothing when several threads count at once")
    func concurrent() async {
        let registry = PrometheusRegistry.quiet()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let timer = Timer(label: "t_seconds", factory: registry)
                    let real = FloatingPointCounter(label: "r_total", factory: registry)
                    for round in 0..<5_000 {
                        Counter(label: "a_total", dimensions: [("x", "\(round % 7)")], factory: registry).increment()
                        timer.recordNanoseconds(1_000_000)
                        real.increment(by: 0.5)
                    }
                }
            }
        }
        let total = registry.lines("a_total").compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        #expect(total.count == 7 && total.reduce(0, +) == 20_000)
        #expect(registry.lines("t_seconds_count") == ["t_seconds_count 20000"])
        #expect(registry.lines("t_seconds_sum") == ["t_seconds_sum 20"])
        #expect(registry.lines("r_total") == ["r_total 10000"])
    }
}
