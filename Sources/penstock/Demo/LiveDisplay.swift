/// Shows a performance while it goes on.
struct LiveDisplay: Sendable {
    private let performance: Performance
    private let scenario: Scenario
    private let stage: Stage

    init(_ performance: Performance, _ scenario: Scenario, _ stage: Stage) {
        self.performance = performance
        self.scenario = scenario
        self.stage = stage
    }

    private static let pictureInterval = Duration.milliseconds(200)
    private static let lineInterval = Duration.seconds(2)

    /// Until the task is cancelled; the last picture is of that moment and stays.
    func show() async {
        var screen = Screen()
        let isLive = screen.isTerminal
        screen.show(["The configuration, as it would stand in a file for `penstock run`:", ""])
        screen.show(stage.policyText.split(separator: "\n").map { "    \($0)" } + [""])
        if !isLive { screen.show([scenario.title] + scenario.story.wrapped(80) + [""]) }
        while !Task.isCancelled {
            picture(on: &screen)
            // Cancelled is what it is meant to be at the end.
            try? await Task.sleep(for: isLive ? Self.pictureInterval : Self.lineInterval)
        }
        picture(on: &screen)
        screen.release()
    }

    private func picture(on screen: inout Screen) {
        let frame = LiveFrame(tally: performance.currentTally())
        if screen.isTerminal {
            screen.draw(frame.lines(width: screen.size.columns - 1))
        } else {
            screen.show([frame.line])
        }
    }
}
