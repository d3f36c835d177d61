package rewrite

// A Ledger gathers what documents hold.
type Ledger struct{}
