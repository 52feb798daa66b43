"""What the service costs, beside what it could cost: every figure of docs/performance.md comes from here."""
