import { watch } from "ovation/client";
import { useEffect, useRef, useState } from "react";

export function Reactions({ video }) {
  const live = useRef(null);
  const [likes, setLikes] = useState(0);
  const [comments, setComments] = useState([]);

  useEffect(() => {
    const watching = watch(video, {
      url: "https://ovation.example",
      likes: ({ totals }) => setLikes(totals.heart ?? 0),
      comment: (comment) => setComments((before) => [...before, comment].slice(-50)),
      retract: ({ id }) => setComments((before) => before.filter((comment) => comment.id !== id)),
    });
    live.current = watching;
    return () => watching.close();
  }, [video]);

  return (
    <section>
      <button type="button" onClick={() => live.current?.like("heart")}>
        {likes} likes
      </button>
      <ul>
        {comments.map(({ id, user = "Guest", text }) => (
          <li key={id}>
            {user}: {text}
          </li>
        ))}
      </ul>
    </section>
  );
}
