// Shows pushes and opens what they are about; it keeps nothing and answers no request of a page.
interface Push {
  title: string;
  accept: string;
  link: string;
  page: string;
  tag: string;
}

interface Waiting extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface PushEvent extends Waiting {
  data: { json(): Push } | null;
}

interface ClickEvent extends Waiting {
  action: string;
  notification: Notification & { data: Push };
}

interface Worker {
  addEventListener(kind: "push", take: (event: PushEvent) => void): void;
  addEventListener(kind: "notificationclick", take: (event: ClickEvent) => void): void;
  registration: ServiceWorkerRegistration;
  clients: { openWindow(address: string): Promise<unknown> };
}

const worker = self as unknown as Worker;

worker.addEventListener("push", (event) => {
  const push = event.data?.json();
  if (!push) return;
  const options = {
    tag: push.tag,
    renotify: true,
    requireInteraction: true,
    data: push,
    actions: push.accept ? [{ action: "accept", title: push.accept }] : [],
  };
  event.waitUntil(worker.registration.showNotification(push.title, options));
});

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(follow(event.notification.data, event.action === "accept"));
});

// Only the button that says so accepts; a tap on the message opens the page where one tap does.
async function follow(push: Push, accepts: boolean): Promise<void> {
  let there = push.link;
  if (accepts) {
    try {
      const answer = await fetch(push.link, { method: "POST" });
      if (answer.ok) there = push.page || push.link;
    } catch {
      // Without a network the page says so, and can be tried again.
    }
  }
  await worker.clients.openWindow(there);
}

export {};
