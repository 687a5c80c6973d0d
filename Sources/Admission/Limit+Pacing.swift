extension Limit.Rate {
    /// How sends under this rate follow each other while others wait, for those who show it; the gate asks its pacers.
    ///
    /// - Parameter jitter: how much later than sent the provider may see a request; 10 ms until more is known.
    /// - Returns: the spacing, zero where all of the rate may go at once, and how many may go at once from rest.
    package func paced(_ pacing: Pacing, jitter: Interval = .milliseconds(10)) -> (spacing: Interval, burst: Int) {
        let pacer = RatePacer(self, pacing: pacing, jitter: jitter)
        return (pacer.spacing, pacer.burst)
    }
}
