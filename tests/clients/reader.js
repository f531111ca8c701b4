// Reads cards with Microsoft's own renderer, in a page: what it complains about, and what a person then sees.
// Loaded after adaptivecards.js. Markdown comes ready-made, since the renderer brings none of its own.

"use strict";

(() => {
  const { AdaptiveCard, CardElement, HostConfig, SerializationContext, ValidationEvent, Versions } = AdaptiveCards;

  // Its own pattern remembers where it stopped, and takes every second language for a wrong one.
  const { langProperty } = CardElement;
  langProperty.regEx = new RegExp(langProperty.regEx.source, langProperty.regEx.flags.replace("g", ""));

  const text = { default: "#242424", subtle: "#484644" };
  const onWhite = {
    default: text,
    dark: text,
    light: { default: "#ffffff", subtle: "#f0f0f0" },
    accent: { default: "#4f52b2", subtle: "#4f52b2" },
    good: { default: "#0e700e", subtle: "#0e700e" },
    warning: { default: "#835b00", subtle: "#835b00" },
    attention: { default: "#b10e1c", subtle: "#b10e1c" },
  };
  // Six buttons, the light theme and the width of a message, as in Teams.
  const HOST = new HostConfig({
    fontFamily: "'Segoe UI', 'Liberation Sans', sans-serif",
    supportsInteractivity: true,
    spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
    fontSizes: { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 },
    fontWeights: { lighter: 400, default: 400, bolder: 600 },
    lineHeights: { small: 16, default: 20, medium: 20, large: 24, extraLarge: 32 },
    containerStyles: {
      default: { backgroundColor: "#ffffff", foregroundColors: onWhite },
      attention: { backgroundColor: "#fdf3f4", borderColor: "#d13438", foregroundColors: onWhite },
    },
    actions: { maxActions: 6, actionsOrientation: "horizontal", buttonSpacing: 8, spacing: "default", actionAlignment: "left" },
    factSet: { title: { weight: "bolder", wrap: true, maxWidth: 160 }, value: { wrap: true }, spacing: 16 },
    inputs: { errorMessage: { color: "attention", size: "small", weight: "default", spacing: "small" } },
    textBlock: { headingLevel: 2 },
    table: { cellSpacing: 8 },
  });

  // Markdown by text, made outside; what isn't there stays plain.
  let markdown = {};
  AdaptiveCard.onProcessMarkdown = (source, result) => {
    if (Object.hasOwn(markdown, source)) {
      result.outputHtml = markdown[source];
      result.didProcess = true;
    }
  };

  const squeezed = (words) => words.replace(/\s+/g, " ").trim();

  const eventOf = ({ event, message }) => ({ event: ValidationEvent[event], message });
  const eventsOf = (context) =>
    Array.from({ length: context.eventCount }, (_, place) => eventOf(context.getEventAt(place)));

  // The name that a screen reader gives to a control.
  const nameOf = (control) => {
    const ids = (control.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean);
    const named = ids.map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
    const label = control.id ? document.querySelector(`label[for="${CSS.escape(control.id)}"]`) : null;
    return squeezed(named || control.getAttribute("aria-label") || label?.textContent || "");
  };

  const inputOf = (input) => {
    const controls = [...(input.renderedElement?.querySelectorAll("input, select, textarea") ?? [])];
    return {
      id: input.id,
      controls: controls.length,
      names: controls.map(nameOf),
      visible: controls.some((control) => control.checkVisibility()),
      value: input.value ?? null,
    };
  };

  // By how many pixels something in the message sticks out of it; the renderer clips that, and nobody sees it.
  const beyond = (message) => {
    const edge = message.getBoundingClientRect().right;
    const rights = [...message.querySelectorAll("*")].map((one) => one.getBoundingClientRect().right);
    return Math.max(0, Math.ceil(Math.max(0, ...rights) - edge));
  };

  // Parsed, checked and put into the page.
  const place = (json) => {
    const parsing = new SerializationContext(Versions.v1_5);
    const card = new AdaptiveCard();
    card.hostConfig = HOST;
    card.parse(json, parsing);
    const problems = [...eventsOf(parsing), ...card.validateProperties().validationEvents.map(eventOf)];
    const message = document.createElement("article");
    message.className = "message";
    const element = card.render();
    if (element !== undefined) message.append(element);
    document.body.append(message);
    return { card, message, problems };
  };

  const read = ({ card, message, problems }) => ({
    problems,
    inputs: card.getAllInputs().map(inputOf),
    buttons: [...message.querySelectorAll(".ac-pushButton")].map((one) => squeezed(one.textContent)),
    words: message.textContent,
    overflow: beyond(message),
  });

  const AT_ONCE = 100;
  let shown;

  window.reader = {
    // What each card is read as; the page is empty again afterwards.
    readAll(cards, html) {
      markdown = html;
      const readings = [];
      // All are placed before the first is measured, so that the page is laid out once for many.
      for (let from = 0; from < cards.length; from += AT_ONCE) {
        const placed = cards.slice(from, from + AT_ONCE).map(place);
        readings.push(...placed.map(read));
        document.body.replaceChildren();
      }
      return readings;
    },
    // Leaves one card in the page. What its buttons send is kept for `sent`.
    show(json, html) {
      markdown = html;
      document.body.replaceChildren();
      shown = { sent: [], ...place(json) };
      shown.card.onExecuteAction = (action) =>
        shown.sent.push({ type: action.getJsonTypeName(), title: action.title, data: action.data ?? null });
      return read(shown);
    },
    // The inputs of the card in the page as they are now.
    inputs: () => shown.card.getAllInputs().map(inputOf),
    // What the buttons of the card in the page have sent.
    sent: () => shown.sent,
  };
})();
