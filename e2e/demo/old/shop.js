function money(amount) { return "\u00a3" + amount.toFixed(2); }
