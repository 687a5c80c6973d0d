extension FigureGroup {
    /// All, in the order in which they are told.
    package static let all: [FigureGroup] = [
        GateFigures.decisions, PacingFigures.even, AutoFigures.learning, AutoFigures.burst, FairnessFigures.slots,
        FairnessFigures.weights,
        FairnessFigures.flooded, FairnessFigures.priorities, FailureFigures.totalFailure, FailureFigures.sharedPause,
        TokenFigures.bursts, FailureFigures.outage, EstimateFigures.waits, MemoryFigures.names,
    ]
}
