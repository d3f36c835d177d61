// Says on a tea's page how many tins are left.
for (const place of document.querySelectorAll("[data-stock]")) {
  fetch("/stock.json")
    .then((response) => response.json())
    .then((tins) => {
      const left = tins[place.dataset.stock];
      place.textContent = left < 10 ? `Only ${left} tins left.` : `${left} tins in the shop.`;
    });
}

// Nobody should type a real card number into a demo.
for (const form of document.querySelectorAll("form[data-check]")) {
  form.addEventListener("submit", (event) => {
    if (/\d{6}/.test(form.elements.card.value)) {
      event.preventDefault();
      document.getElementById("hint").textContent = "That looks like a real card. Leave it empty: this is a demo.";
    }
  });
}
