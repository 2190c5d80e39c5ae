// Which browser this is, as far as it decides what a guard can do with it.

// Browsers inside chat apps: what they keep may be gone at any time, and most allow no service worker.
const CHAT_APPS: [RegExp, string][] = [
  [/MicroMessenger/i, "WeChat"],
  [/wxwork/i, "WeCom"],
  [/DingTalk/i, "DingTalk"],
  [/Lark|Feishu/i, "Feishu"],
  [/\bQQ\/\d/i, "QQ"],
  [/Weibo/i, "Weibo"],
  [/AlipayClient/i, "Alipay"],
  [/WhatsApp/i, "WhatsApp"],
  [/FBAN|FBAV|FB_IAB/i, "Facebook"],
  [/Instagram/i, "Instagram"],
  [/\bLine\/\d/i, "LINE"],
  [/Telegram/i, "Telegram"],
];

/** The chat app whose browser this is, or "". WeCom says that it is WeChat, too, so it goes first. */
export function chatApp(agent: string): string {
  const found = CHAT_APPS.filter(([pattern]) => pattern.test(agent)).map(([, name]) => name);
  if (found.includes("WeCom")) return "WeCom";
  if (found.length) return found[0]!;
  return /; wv\)/.test(agent) ? "Android WebView" : "";
}

export function isApple(agent: string): boolean {
  return /iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1);
}

/** Runs from the home screen. */
export function isInstalled(): boolean {
  return matchMedia("(display-mode: standalone), (display-mode: fullscreen)").matches;
}
